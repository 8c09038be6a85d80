//! Cases of rows on the user's side, and of commands of the user.

use super::{ALL_SHAPES, Case, Native, Preview, SINCE_V2, V2};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a prompt",
        shapes: ALL_SHAPES,
        kind: "user",
        data: r#"{"time":{"created":10},"text":"say \"hi\" \u2603\n"}"#,
        expected_records: r#"
            msg_1 {"role":"user","time":{"created":10}}
            00000 {"type":"text","text":"say \"hi\" ☃\n"}"#,
    },
    Case {
        name: "a prompt with files, agents and skills",
        shapes: SINCE_V2,
        kind: "user",
        data: r#"{"text":"Look","files":[
            {"data":"aGk=","mime":"text/plain","source":{"type":"inline"},"name":"a.txt","mention":{"start":0,"end":4,"text":"Look"}},
            {"data":"eA==","mime":"image/png","source":{"type":"uri","uri":"file:///w/x.png"},"name":"x.png","description":"a dot","mention":{"start":1,"end":2,"text":"o"}},
            {"data":"eQ==","mime":"image/png","source":{"type":"uri","uri":"file:///w/y.png"}},
            {"data":"","mime":"text/plain","source":{"type":"inline"}}],
            "agents":[{"name":"reviewer","mention":{"start":5,"end":14,"text":"@reviewer"}},{"name":"plain"}],
            "skills":[{"id":"notes","name":"Notes","text":"Take notes.","mention":{"start":1,"end":2,"text":"n"}},{"id":"bare","name":"Bare"}],
            "metadata":{"source":"tui"},"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","time":{"created":10},"metadata":{"source":"tui"}}
            00000 {"type":"text","text":"Look"}
            00001 {"type":"file","mime":"text/plain","filename":"a.txt","url":"data:text/plain;base64,aGk=","source":{"type":"file","path":"a.txt","text":{"value":"Look","start":0,"end":4}}}
            00002 {"type":"file","mime":"image/png","filename":"x.png","url":"data:image/png;base64,eA==","source":{"type":"resource","clientName":"","uri":"file:///w/x.png","text":{"value":"o","start":1,"end":2}},"description":"a dot"}
            00003 {"type":"file","mime":"image/png","url":"data:image/png;base64,eQ==","source":{"type":"resource","clientName":"","uri":"file:///w/y.png","text":{"value":"","start":0,"end":0}}}
            00004 {"type":"file","mime":"text/plain","url":"data:text/plain;base64,"}
            00005 {"type":"agent","name":"reviewer","source":{"value":"@reviewer","start":5,"end":14}}
            00006 {"type":"agent","name":"plain"}
            00007 {"type":"text","text":"Take notes.","synthetic":true,"skill":{"id":"notes","name":"Notes","mention":{"start":1,"end":2,"text":"n"}}}
            00008 {"type":"text","text":"","synthetic":true,"skill":{"id":"bare","name":"Bare"}}"#,
    },
    Case {
        name: "a prompt with files and agents",
        shapes: &[Preview],
        kind: "user",
        data: r#"{"time":{"created":10},"text":"Look","files":[
            {"uri":"file:///w/a.py","mime":"text/x-python","name":"a.py","source":{"start":0,"end":4,"text":"Look"}},
            {"uri":"data:image/png;base64,AA==","mime":"image/png","description":"a dot"}],
            "agents":[{"name":"reviewer","source":{"start":0,"end":4,"text":"Look"}}]}"#,
        expected_records: r#"
            msg_1 {"role":"user","time":{"created":10}}
            00000 {"type":"text","text":"Look"}
            00001 {"type":"file","mime":"text/x-python","filename":"a.py","url":"file:///w/a.py","source":{"type":"file","path":"file:///w/a.py","text":{"value":"Look","start":0,"end":4}}}
            00002 {"type":"file","mime":"image/png","url":"data:image/png;base64,AA==","description":"a dot"}
            00003 {"type":"agent","name":"reviewer","source":{"value":"Look","start":0,"end":4}}"#,
    },
    Case {
        name: "a prompt without a text, and of unknown fields",
        shapes: ALL_SHAPES,
        kind: "user",
        data: r#"{"time":{"created":10},"novelty":[1.0,12345678901234567890],"role":"system","id":"x","sessionID":"ses_2","type":"y"}"#,
        expected_records: r#"
            msg_1 {"role":"user","time":{"created":10},"novelty":[1.0,12345678901234567890]}
            00000 {"type":"text","text":""}"#,
    },
    Case {
        name: "a text that the program put on the user's side",
        shapes: SINCE_V2,
        kind: "synthetic",
        data: r#"{"text":"It is done.","description":"d","metadata":{"source":"subagent","childID":"ses_2","agent":"g","state":"completed"},"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"synthetic","time":{"created":10},"description":"d","metadata":{"source":"subagent","childID":"ses_2","agent":"g","state":"completed"}}
            00000 {"type":"text","text":"It is done.","synthetic":true}"#,
    },
    Case {
        name: "the same with its session",
        shapes: &[Preview],
        kind: "synthetic",
        data: r#"{"sessionID":"ses_other","text":"It is done.","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"synthetic","time":{"created":10}}
            00000 {"type":"text","text":"It is done.","synthetic":true}"#,
    },
    Case {
        name: "instructions that changed",
        shapes: SINCE_V2,
        kind: "system",
        data: r#"{"text":"Be brief.","description":"d","metadata":{"notice":"instructions","instructionSources":["AGENTS.md"]},"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"system","time":{"created":10},"description":"d","metadata":{"notice":"instructions","instructionSources":["AGENTS.md"]}}
            00000 {"type":"text","text":"Be brief.","synthetic":true}"#,
    },
    Case {
        name: "instructions that changed",
        shapes: &[Preview],
        kind: "system",
        data: r#"{"text":"Be brief.","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"system","time":{"created":10}}
            00000 {"type":"text","text":"Be brief.","synthetic":true}"#,
    },
    Case {
        name: "a skill",
        shapes: SINCE_V2,
        kind: "skill",
        data: r#"{"skill":"notes","name":"Notes","text":"Take notes.","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"user","type":"skill","time":{"created":10},"skill":"notes","name":"Notes"}
            00000 {"type":"text","text":"Take notes.","synthetic":true}"#,
    },
    Case {
        name: "a command that ended",
        shapes: SINCE_V2,
        kind: "shell",
        data: r#"{"shellID":"sh_1","command":"ls \"x\"","status":"exited","exit":2,"output":{"output":"a\n","cursor":2,"size":2,"truncated":false},"time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10,"completed":20},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"sh_1","state":{"status":"completed","input":{"command":"ls \"x\""},"output":"a\n","metadata":{"status":"exited","exit":2,"truncated":false,"cursor":2,"size":2},"time":{"start":10,"end":20}}}"#,
    },
    Case {
        name: "a command that runs",
        shapes: SINCE_V2,
        kind: "shell",
        data: r#"{"shellID":"sh_1","command":"sleep 9","status":"running","metadata":{"background":true},"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"sh_1","state":{"status":"running","input":{"command":"sleep 9"},"metadata":{"status":"running"},"time":{"start":10}},"metadata":{"background":true}}"#,
    },
    Case {
        name: "a command that runs and has said something",
        shapes: &[V2],
        kind: "shell",
        data: r#"{"shellID":"sh_1","command":"make","status":"running","output":{"output":"cc","cursor":2,"size":2,"truncated":true},"time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"sh_1","state":{"status":"running","input":{"command":"make"},"metadata":{"status":"running","truncated":true,"cursor":2,"size":2,"output":"cc"},"time":{"start":10}}}"#,
    },
    Case {
        name: "a command that took too long",
        shapes: &[V2],
        kind: "shell",
        data: r#"{"shellID":"sh_1","command":"sleep 9","status":"timeout","output":{"output":"","cursor":0,"size":0,"truncated":false},"time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10,"completed":20},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"sh_1","state":{"status":"completed","input":{"command":"sleep 9"},"output":"","metadata":{"status":"timeout","truncated":false,"cursor":0,"size":0},"time":{"start":10,"end":20}}}"#,
    },
    Case {
        name: "a command that was killed",
        shapes: &[Native],
        kind: "shell",
        data: r#"{"shellID":"sh_1","command":"sleep 9","status":"killed","time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10,"completed":20},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"sh_1","state":{"status":"completed","input":{"command":"sleep 9"},"output":"","metadata":{"status":"killed"},"time":{"start":10,"end":20}}}"#,
    },
    Case {
        name: "a command",
        shapes: &[Preview],
        kind: "shell",
        data: r#"{"callID":"call_1","command":"ls","output":"a\n","time":{"created":10,"completed":20}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10,"completed":20},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"call_1","state":{"status":"completed","input":{"command":"ls"},"output":"a\n","metadata":{},"time":{"start":10,"end":20}}}"#,
    },
    Case {
        name: "a command that had not ended",
        shapes: &[Preview],
        kind: "shell",
        data: r#"{"callID":"call_1","command":"ls","output":"","time":{"created":10}}"#,
        expected_records: r#"
            msg_1 {"role":"assistant","type":"shell","time":{"created":10},"path":{"cwd":"/w"}}
            00001 {"type":"tool","tool":"shell","callID":"call_1","state":{"status":"running","input":{"command":"ls"},"metadata":{"output":""},"time":{"start":10}}}"#,
    },
];
