//! Benchmarks the parse of one record from bytes to a typed value: the library's parser, the flat
//! serde structs of the floor, and `serde_json::Value`.
//!
//! `cargo bench -p scrollback-benches --bench parse`

#![expect(clippy::expect_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scrollback_benches::floor;
use scrollback_core_type::{Message, Parse, Part};
use serde_json::Value;

fn parse(criterion: &mut Criterion) {
    for (name, record) in [
        ("message/assistant", assistant()),
        ("message/user with diffs", user()),
        ("part/step-finish", step_finish()),
        ("part/text 200 B", text(200)),
        ("part/text 16 KB", text(16 << 10)),
        ("part/tool completed 1 KB", tool(1 << 10)),
        ("part/tool completed 16 KB", tool(16 << 10)),
    ] {
        let record = record.as_bytes();
        let is_message = name.starts_with("message");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(record.len() as u64));
        group.bench_function("library", |bencher| match is_message {
            true => bencher.iter(|| black_box(Message::parse(record).expect("a message"))),
            false => bencher.iter(|| black_box(Part::parse(record).expect("a part"))),
        });
        group.bench_function("flat serde", |bencher| match is_message {
            true => bencher.iter(|| black_box(floor::Message::parse(record).expect("a message"))),
            false => bencher.iter(|| black_box(floor::Part::parse(record).expect("a part"))),
        });
        group.bench_function("Value", |bencher| {
            bencher.iter(|| black_box(serde_json::from_slice::<Value>(record).expect("JSON")));
        });
        group.finish();
    }
}

// Records as opencode writes them: with the keys in this order and an indentation of two columns.

fn assistant() -> String {
    r#"{
  "id": "msg_1fb6673b2001kTZ3mCpkdQHcmN",
  "sessionID": "ses_e04998c6fffeeSXWud0kqAoVtL",
  "role": "assistant",
  "time": {
    "created": 1795000000000,
    "completed": 1795000004321
  },
  "parentID": "msg_1fb6673b1001kTZ3mCpkdQHcmM",
  "modelID": "claude-sonnet-4-5",
  "providerID": "anthropic",
  "mode": "build",
  "agent": "build",
  "path": {
    "cwd": "/home/user/project",
    "root": "/home/user/project"
  },
  "cost": 0.012345,
  "tokens": {
    "input": 12,
    "output": 345,
    "reasoning": 0,
    "cache": {
      "read": 23456,
      "write": 789
    }
  },
  "finish": "tool-calls"
}"#
    .to_owned()
}

fn user() -> String {
    let line = "    let value = compute(input)?; // a line of \"code\"\n";
    let (before, after) = (quoted(&line.repeat(20)), quoted(&line.repeat(21)));
    let diff = |file: &str| {
        format!(
            r#"      {{
        "file": "{file}",
        "before": {before},
        "after": {after},
        "additions": 1,
        "deletions": 0
      }}"#
        )
    };
    format!(
        r#"{{
  "id": "msg_1fb6673b2001kTZ3mCpkdQHcmN",
  "sessionID": "ses_e04998c6fffeeSXWud0kqAoVtL",
  "role": "user",
  "time": {{
    "created": 1795000000000
  }},
  "summary": {{
    "title": "Compute it",
    "diffs": [
{},
{}
    ]
  }},
  "agent": "build",
  "model": {{
    "providerID": "anthropic",
    "modelID": "claude-sonnet-4-5"
  }}
}}"#,
        diff("src/lib.rs"),
        diff("src/main.rs")
    )
}

fn part(kind: &str, fields: &str) -> String {
    format!(
        r#"{{
  "id": "prt_1fb6673b3001tWgQeqpHhd2rZK",
  "sessionID": "ses_e04998c6fffeeSXWud0kqAoVtL",
  "messageID": "msg_1fb6673b2001kTZ3mCpkdQHcmN",
  "type": "{kind}",
{fields}
}}"#
    )
}

fn step_finish() -> String {
    part(
        "step-finish",
        r#"  "reason": "tool-calls",
  "snapshot": "4d5913c381f86a90ea141f49484e9dc9392ff989",
  "cost": 0.012345,
  "tokens": {
    "input": 12,
    "output": 345,
    "reasoning": 0,
    "cache": {
      "read": 23456,
      "write": 789
    }
  }"#,
    )
}

fn text(length: usize) -> String {
    let fields = format!(
        r#"  "text": {},
  "time": {{
    "start": 1795000000000,
    "end": 1795000000321
  }}"#,
        prose(length)
    );
    part("text", &fields)
}

fn tool(length: usize) -> String {
    let fields = format!(
        r#"  "callID": "call_0123456789abcdef",
  "tool": "bash",
  "state": {{
    "status": "completed",
    "input": {{
      "command": "cargo test",
      "description": "Runs the tests"
    }},
    "output": {},
    "title": "Runs the tests",
    "metadata": {{
      "exit": 0,
      "truncated": false
    }},
    "time": {{
      "start": 1795000000000,
      "end": 1795000004321
    }}
  }}"#,
        prose(length)
    );
    part("tool", &fields)
}

/// Lines of about sixty characters, like the output of tools.
fn prose(length: usize) -> String {
    let line = "test parses::every_kind_of_record_that_opencode_writes ... ok\n";
    quoted(&line.chars().cycle().take(length).collect::<String>())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("JSON")
}

criterion_group!(benches, parse);
criterion_main!(benches);
