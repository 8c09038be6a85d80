//! Cases of steps of answers, and of the tool calls in them.

use super::{ALL_SHAPES, Case, Native, Preview, SINCE_V2, V2};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a whole step",
        shapes: &[V2],
        kind: "assistant",
        data: r#"{"agent":"build","model":{"id":"m","providerID":"p","variant":"high"},"content":[
            {"type":"reasoning","text":"Think","state":{"id":"rs","status":"x"},"time":{"created":11,"completed":12}},
            {"type":"text","text":"Hi","state":{"phase":"c"}}],
            "snapshot":{"start":"s0","end":"s1","files":["a.rs","b.rs"]},"finish":"stop","rawFinish":"end_turn",
            "providerState":{"r":1},"cost":0.5,"tokens":{"input":1,"output":2,"reasoning":3,"cache":{"read":4,"write":5}},
            "time":{"created":10,"streamed":15,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"streamed":15,"completed":20},"modelID":"m","providerID":"p","variant":"high","agent":"build","cost":0.5,"tokens":{"input":1,"output":2,"reasoning":3,"cache":{"read":4,"write":5}},"finish":"stop","rawFinish":"end_turn","providerState":{"r":1},"path":{"cwd":"/w"}}
            00000 {"type":"step-start","snapshot":"s0"}
            00001 {"type":"reasoning","text":"Think","metadata":{"id":"rs","status":"x"},"time":{"start":11,"end":12}}
            00002 {"type":"text","text":"Hi","metadata":{"phase":"c"}}
            finis {"type":"step-finish","reason":"stop","snapshot":"s1","cost":0.5,"tokens":{"input":1,"output":2,"reasoning":3,"cache":{"read":4,"write":5}}}
            patch {"type":"patch","hash":"s0","files":["a.rs","b.rs"]}"#,
    },
    Case {
        name: "a whole step",
        shapes: &[Native],
        kind: "assistant",
        data: r#"{"agent":"build","model":{"id":"m","providerID":"p"},"content":[
            {"type":"reasoning","text":"Think","native":{"id":"rs"},"time":{"created":11}},
            {"type":"text","text":"Hi","native":{"phase":"c"}}],
            "snapshot":{"start":"s0","end":"s1","files":[]},"finish":"length","native":{"r":1},"time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"modelID":"m","providerID":"p","agent":"build","finish":"length","native":{"r":1},"path":{"cwd":"/w"}}
            00000 {"type":"step-start","snapshot":"s0"}
            00001 {"type":"reasoning","text":"Think","metadata":{"id":"rs"},"time":{"start":11}}
            00002 {"type":"text","text":"Hi","metadata":{"phase":"c"}}
            finis {"type":"step-finish","reason":"length","snapshot":"s1"}"#,
    },
    Case {
        name: "a whole step",
        shapes: &[Preview],
        kind: "assistant",
        data: r#"{"time":{"created":10,"completed":20},"agent":"build","model":{"id":"m","providerID":"p","variant":"default"},
            "content":[{"type":"reasoning","id":"reasoning-0","text":"Think","providerMetadata":{"openai":{"id":"rs"}}},
            {"type":"text","id":"text-0","text":"Hi"}],"snapshot":{"start":"s0","end":"s0","files":[]},"finish":"tool-calls",
            "cost":0,"tokens":{"input":1,"output":2,"reasoning":0,"cache":{"read":0,"write":0}}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"modelID":"m","providerID":"p","variant":"default","agent":"build","cost":0,"tokens":{"input":1,"output":2,"reasoning":0,"cache":{"read":0,"write":0}},"finish":"tool-calls","path":{"cwd":"/w"}}
            00000 {"type":"step-start","snapshot":"s0"}
            00001 {"type":"reasoning","text":"Think","metadata":{"openai":{"id":"rs"}},"itemID":"reasoning-0"}
            00002 {"type":"text","text":"Hi","itemID":"text-0"}
            finis {"type":"step-finish","reason":"tool-calls","snapshot":"s0","cost":0,"tokens":{"input":1,"output":2,"reasoning":0,"cache":{"read":0,"write":0}}}"#,
    },
    Case {
        name: "a step that has just begun",
        shapes: ALL_SHAPES,
        kind: "assistant",
        data: r#"{"time":{"created":10},"agent":"build","model":{"id":"m","providerID":"p"},"content":[]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"modelID":"m","providerID":"p","agent":"build","path":{"cwd":"/w"}}"#,
    },
    Case {
        name: "a step that is tried again",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"time":{"created":10},"agent":"build","model":{"id":"m","providerID":"p"},"content":[{"type":"text","text":""}],
            "snapshot":{"start":"s0"},"retry":{"attempt":2,"at":30,"error":{"type":"provider.rate-limit","message":"slow","status":429,"response":{"body":"{}"}}}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"modelID":"m","providerID":"p","agent":"build","path":{"cwd":"/w"}}
            00000 {"type":"step-start","snapshot":"s0"}
            00001 {"type":"text","text":""}
            retry {"type":"retry","attempt":2,"time":{"created":30},"error":{"name":"APIError","type":"provider.rate-limit","data":{"message":"slow","statusCode":429,"responseBody":"{}"}}}"#,
    },
    Case {
        name: "a step that failed",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"agent":"build","model":{"id":"m","providerID":"p"},"content":[],"snapshot":{"start":"s0","end":"s1"},"finish":"error",
            "error":{"type":"provider.auth","message":"no \"key\""},"time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"modelID":"m","providerID":"p","agent":"build","finish":"error","error":{"name":"ProviderAuthError","type":"provider.auth","data":{"message":"no \"key\"","providerID":"p"}},"snapshot":{"start":"s0","end":"s1"},"path":{"cwd":"/w"}}
            00000 {"type":"step-start","snapshot":"s0"}"#,
    },
    Case {
        name: "a step that was blocked",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"agent":"build","model":{"id":"m","providerID":"p"},"content":[],"finish":"content-filter","cost":0.1,
            "error":{"type":"provider.content-filter","message":"Blocked"},"time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"modelID":"m","providerID":"p","agent":"build","cost":0.1,"finish":"content-filter","error":{"name":"ContentFilterError","type":"provider.content-filter","data":{"message":"Blocked"}},"path":{"cwd":"/w"}}
            finis {"type":"step-finish","reason":"content-filter","cost":0.1}"#,
    },
    Case {
        name: "a step that was stopped",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"agent":"build","model":{"id":"m","providerID":"p"},"content":[],"error":{"type":"aborted","message":"Step interrupted"},"time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"modelID":"m","providerID":"p","agent":"build","error":{"name":"MessageAbortedError","type":"aborted","data":{"message":"Step interrupted"}},"path":{"cwd":"/w"}}"#,
    },
    Case {
        name: "a step that failed for no known reason",
        shapes: ALL_SHAPES,
        kind: "assistant",
        data: r#"{"time":{"created":10,"completed":20},"agent":"build","model":{"id":"m","providerID":"p","variant":"default"},"content":[],"finish":"error","error":{"type":"unknown","message":"boom"}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"modelID":"m","providerID":"p","variant":"default","agent":"build","finish":"error","error":{"name":"UnknownError","type":"unknown","data":{"message":"boom"}},"path":{"cwd":"/w"}}"#,
    },
    Case {
        name: "items of no known kind",
        shapes: ALL_SHAPES,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"video","uri":"x","id":"v1"},{"text":"?"},{},"plain",7,{"type":"text","text":"after"}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"video","uri":"x"}
            ! unknown part type "video"; kept as raw JSON
            00002 {"text":"?"}
            ! unknown part type "(none)"; kept as raw JSON
            00003 {"type":null}
            ! unknown part type "(none)"; kept as raw JSON
            00004 {"value":"plain"}
            ! unknown part type "(none)"; kept as raw JSON
            00005 {"value":7}
            ! unknown part type "(none)"; kept as raw JSON
            00006 {"type":"text","text":"after"}"#,
    },
];

/// Steps with one call each.
pub(super) const TOOLS: &[Case] = &[
    Case {
        name: "a call that is being written",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"write","state":{"status":"streaming","input":"{\"path\": \"a"},"time":{"created":11}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"write","state":{"status":"pending","input":{},"raw":"{\"path\": \"a"},"time":{"created":11}}"#,
    },
    Case {
        name: "a call that was never made",
        shapes: &[Preview],
        kind: "assistant",
        data: r#"{"time":{"created":10,"completed":20},"content":[{"type":"tool","id":"call_1","name":"read","state":{"status":"pending","input":""},"time":{"created":11}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10,"completed":20},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"read","state":{"status":"pending","input":{},"raw":""},"time":{"created":11}}"#,
    },
    Case {
        name: "a call that runs",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"subagent","executed":false,"state":{"status":"running","input":{"agent":"g"},"metadata":{"sessionID":"ses_2"}},"time":{"created":11,"ran":12}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"subagent","executed":false,"state":{"status":"running","input":{"agent":"g"},"metadata":{"sessionID":"ses_2"},"time":{"start":12,"created":11}}}"#,
    },
    Case {
        name: "a call that runs",
        shapes: &[Preview],
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"bash","provider":{"executed":false},"state":{"status":"running","input":{"command":"x"},"structured":{},"content":[]},"time":{"created":11,"ran":12}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"bash","provider":{"executed":false},"state":{"status":"running","input":{"command":"x"},"metadata":{},"time":{"start":12,"created":11}}}"#,
    },
    Case {
        name: "a call that was answered with texts and files",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"text","text":"x"},{"type":"tool","id":"call_1","name":"read","state":{"status":"completed","input":{"path":"a"},
            "content":[{"type":"text","text":"one\n\"two\""},{"type":"file","uri":"data:image/png;base64,AA==","mime":"image/png","name":"a.png"},{"type":"text","text":"(notice)"},{"type":"file","uri":"file:///w/b","mime":"text/plain"}],
            "metadata":{"truncated":false}},"time":{"created":11,"ran":12,"completed":13}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"text","text":"x"}
            00002 {"type":"tool","callID":"call_1","tool":"read","state":{"status":"completed","input":{"path":"a"},"output":"one\n\"two\"\n(notice)","metadata":{"truncated":false},"time":{"start":12,"end":13,"created":11},"attachments":[{"type":"file","mime":"image/png","filename":"a.png","url":"data:image/png;base64,AA==","id":"prt_1_00002_0","sessionID":"ses_1","messageID":"msg_1"},{"type":"file","mime":"text/plain","url":"file:///w/b","id":"prt_1_00002_1","sessionID":"ses_1","messageID":"msg_1"}]}}"#,
    },
    Case {
        name: "a call that was answered",
        shapes: &[Preview],
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"bash","provider":{"executed":false},"state":{"status":"completed","input":{"command":"x"},"structured":{"exit":0},"content":[{"type":"text","text":"done"}],"outputPaths":["tool_1"],"result":{"a":1}},"time":{"created":11,"ran":12,"completed":13,"pruned":14}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"bash","provider":{"executed":false},"state":{"status":"completed","input":{"command":"x"},"output":"done","metadata":{"exit":0},"outputPaths":["tool_1"],"result":{"a":1},"time":{"start":12,"end":13,"compacted":14,"created":11}}}"#,
    },
    Case {
        name: "a call that failed",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"edit","state":{"status":"error","input":{"path":"a"},"error":{"type":"tool.execution","message":"no such file"},"content":[{"type":"text","text":"so far"}],"metadata":{"k":1}},"time":{"created":11,"completed":13}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"edit","state":{"status":"error","input":{"path":"a"},"error":"no such file","cause":{"type":"tool.execution","message":"no such file"},"metadata":{"k":1},"content":[{"type":"text","text":"so far"}],"time":{"start":11,"end":13}}}"#,
    },
    Case {
        name: "a call that failed",
        shapes: &[Preview],
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"edit","provider":{"executed":false},"state":{"status":"error","input":{},"structured":{},"content":[],"error":{"type":"unknown","message":"rejected"}},"time":{"created":11,"ran":12,"completed":13}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"edit","provider":{"executed":false},"state":{"status":"error","input":{},"error":"rejected","cause":{"type":"unknown","message":"rejected"},"metadata":{},"time":{"start":12,"end":13,"created":11}}}"#,
    },
    Case {
        name: "a call that failed before its input could be read",
        shapes: SINCE_V2,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"edit","state":{"status":"error","input":"{\"a","error":{"type":"aborted","message":"stopped"}},"time":{"created":11}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"edit","state":{"status":"error","input":"{\"a","error":"stopped","cause":{"type":"aborted","message":"stopped"},"time":{"start":11}}}"#,
    },
    Case {
        name: "a call that the provider ran",
        shapes: &[V2],
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"srv_1","name":"web_search","executed":true,"providerState":{"itemId":"ws"},"providerResultState":{"r":2},"state":{"status":"completed","input":{"q":"x"},"content":[{"type":"text","text":"found"}]},"time":{"created":11,"ran":11,"completed":13}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"srv_1","tool":"web_search","executed":true,"metadata":{"itemId":"ws"},"providerResultState":{"r":2},"state":{"status":"completed","input":{"q":"x"},"output":"found","time":{"start":11,"end":13,"created":11}}}"#,
    },
    Case {
        name: "a call that the provider ran",
        shapes: &[Native],
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"srv_1","name":"web_search","executed":true,"native":{"itemId":"ws"},"state":{"status":"completed","input":{"q":"x"},"content":[{"type":"text","text":"found"}]},"time":{"created":11,"completed":13}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"srv_1","tool":"web_search","executed":true,"metadata":{"itemId":"ws"},"state":{"status":"completed","input":{"q":"x"},"output":"found","time":{"start":11,"end":13}}}"#,
    },
    Case {
        name: "fields of other kinds of items",
        shapes: ALL_SHAPES,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"text","text":"a","name":"n","time":{"created":1},"native":{"a":1},"state":{"b":2}},{"type":"reasoning","text":"b","name":"n","time":{"completed":3}},{"type":"reasoning","text":"c","time":{"created":1,"ran":2,"completed":3}},{"type":"tool","id":"call_1","name":"x","text":"t","state":{"status":"running","input":{}},"time":{"completed":3}}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"text","text":"a","name":"n","time":{"created":1},"metadata":{"a":1},"state":{"b":2}}
            00002 {"type":"reasoning","text":"b","name":"n","time":{"completed":3}}
            00003 {"type":"reasoning","text":"c","time":{"start":1,"end":3,"ran":2}}
            00004 {"type":"tool","callID":"call_1","tool":"x","text":"t","state":{"status":"running","input":{}},"time":{"completed":3}}"#,
    },
    Case {
        name: "a call of no known status",
        shapes: ALL_SHAPES,
        kind: "assistant",
        data: r#"{"time":{"created":10},"content":[{"type":"tool","id":"call_1","name":"x","state":{"status":"dreaming","input":{"a":1}},"time":{"created":11,"ran":12}},{"type":"tool","id":"call_2","name":"y"}]}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","callID":"call_1","tool":"x","state":{"status":"dreaming","input":{"a":1}},"time":{"created":11,"ran":12}}
            ! unknown tool status "dreaming"; kept as raw JSON
            00002 {"type":"tool","callID":"call_2","tool":"y"}"#,
    },
];
