//! Cases of compactions, and of rows that are items.

use super::{ALL_SHAPES, Case, Preview, SINCE_V2, V2};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a compaction",
        shapes: &[V2],
        kind: "compaction",
        data: r###"{"status":"completed","reason":"manual","model":{"id":"m","providerID":"p","variant":"default"},"summary":"## Goal\n\"x\"","recent":"[User]: hi",
            "cost":0.5,"tokens":{"input":1,"output":2,"reasoning":3,"cache":{"read":4,"write":5}},"providerContext":{"a":1},"providerState":{"b":2},"time":{"created":10}}"###,
        expected_records: r###"
            msg_1 {"role":"user","type":"compaction","time":{"created":10}}
            00000 {"type":"compaction","auto":false,"reason":"manual"}
            msg_1#summary {"role":"assistant","type":"compaction","parentID":"msg_1","agent":"compaction","summary":true,"modelID":"m","providerID":"p","variant":"default","cost":0.5,"tokens":{"input":1,"output":2,"reasoning":3,"cache":{"read":4,"write":5}},"finish":"stop","status":"completed","recent":"[User]: hi","providerContext":{"a":1},"providerState":{"b":2},"time":{"created":10,"completed":90},"path":{"cwd":"/w"}}
            prt_1#summary_00000 {"type":"text","text":"## Goal\n\"x\""}"###,
    },
    Case {
        name: "a compaction that runs",
        shapes: SINCE_V2,
        kind: "compaction",
        data: r#"{"status":"running","reason":"auto","summary":"","recent":"","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"compaction","time":{"created":10}}
            00000 {"type":"compaction","auto":true,"reason":"auto"}
            msg_1#summary {"role":"assistant","type":"compaction","parentID":"msg_1","agent":"compaction","summary":true,"status":"running","recent":"","time":{"created":10},"path":{"cwd":"/w"}}
            prt_1#summary_00000 {"type":"text","text":""}"#,
    },
    Case {
        name: "a compaction that failed",
        shapes: SINCE_V2,
        kind: "compaction",
        data: r#"{"status":"failed","reason":"auto","error":{"type":"provider.internal","message":"boom"},"cost":0.25,"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"compaction","time":{"created":10}}
            00000 {"type":"compaction","auto":true,"reason":"auto"}
            msg_1#summary {"role":"assistant","type":"compaction","parentID":"msg_1","agent":"compaction","summary":true,"cost":0.25,"status":"failed","error":{"name":"APIError","type":"provider.internal","data":{"message":"boom"}},"time":{"created":10,"completed":90},"path":{"cwd":"/w"}}
            prt_1#summary_00000 {"type":"text","text":""}"#,
    },
    Case {
        name: "a compaction",
        shapes: &[Preview],
        kind: "compaction",
        data: r#"{"reason":"auto","summary":"so far","recent":"r","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"compaction","time":{"created":10}}
            00000 {"type":"compaction","auto":true,"reason":"auto"}
            msg_1#summary {"role":"assistant","type":"compaction","parentID":"msg_1","agent":"compaction","summary":true,"finish":"stop","recent":"r","time":{"created":10,"completed":90},"path":{"cwd":"/w"}}
            prt_1#summary_00000 {"type":"text","text":"so far"}"#,
    },
    Case {
        name: "another agent",
        shapes: SINCE_V2,
        kind: "agent-switched",
        data: r#"{"agent":"plan","previous":"build","time":{"created":10}}"#,
        expected_records: r#"msg_1 {"type":"agent-switched","agent":"plan","previous":"build","time":{"created":10}}"#,
    },
    Case {
        name: "another agent",
        shapes: &[Preview],
        kind: "agent-switched",
        data: r#"{"time":{"created":10},"agent":"plan"}"#,
        expected_records: r#"msg_1 {"type":"agent-switched","agent":"plan","time":{"created":10}}"#,
    },
    Case {
        name: "another model",
        shapes: SINCE_V2,
        kind: "model-switched",
        data: r#"{"model":{"id":"a","providerID":"p","variant":"v"},"previous":{"id":"b","providerID":"p"},"time":{"created":10}}"#,
        expected_records: r#"msg_1 {"type":"model-switched","model":{"id":"a","providerID":"p","variant":"v"},"previous":{"id":"b","providerID":"p"},"time":{"created":10}}"#,
    },
    Case {
        name: "another model",
        shapes: &[Preview],
        kind: "model-switched",
        data: r#"{"time":{"created":10},"model":{"id":"a","providerID":"p"}}"#,
        expected_records: r#"msg_1 {"type":"model-switched","model":{"id":"a","providerID":"p"},"time":{"created":10}}"#,
    },
    Case {
        name: "another place",
        shapes: SINCE_V2,
        kind: "location-switched",
        data: r#"{"location":{"directory":"/v","workspaceID":"wrk_1"},"projectID":"q","subpath":"","previous":{"location":{"directory":"/w"},"projectID":"p","subpath":"s"},"time":{"created":10}}"#,
        expected_records: r#"msg_1 {"type":"location-switched","location":{"directory":"/v","workspaceID":"wrk_1"},"projectID":"q","subpath":"","previous":{"location":{"directory":"/w"},"projectID":"p","subpath":"s"},"time":{"created":10}}"#,
    },
    Case {
        name: "the end of a turn",
        shapes: SINCE_V2,
        kind: "idle",
        data: r#"{"outcome":"succeeded","time":{"created":10}}"#,
        expected_records: r#"msg_1 {"type":"idle","outcome":"succeeded","time":{"created":10}}"#,
    },
    Case {
        name: "the end of a turn that failed",
        shapes: SINCE_V2,
        kind: "idle",
        data: r#"{"outcome":"failed","error":{"type":"provider.transport","message":"m","status":502,"response":{"body":"b"}},"time":{"created":10}}"#,
        expected_records: r#"msg_1 {"type":"idle","outcome":"failed","error":{"type":"provider.transport","message":"m","status":502,"response":{"body":"b"}},"time":{"created":10}}"#,
    },
    Case {
        name: "a type that is not known",
        shapes: ALL_SHAPES,
        kind: "hologram",
        data: r#"{"payload":[1,{"x":null}],"type":"user","id":"x","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"type":"hologram","payload":[1,{"x":null}],"time":{"created":10}}
            ! unknown item type "hologram"; kept as raw JSON"#,
    },
    Case {
        name: "a type that is not a word",
        shapes: ALL_SHAPES,
        kind: "\"\\\u{1b}[2J",
        data: r#"{"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"type":"\"\\\u001b[2J","time":{"created":10}}
            ! unknown item type "\"\\\u{1b}[2J"; kept as raw JSON"#,
    },
];
