//! Records determine the order, also across the wrap of the ids' clock. The directory never does.

use scrollback_core_id::{MessageKey, Scope};

use crate::calls::{key_names, scan, session_key};
use crate::support::store_from_text;

#[test]
fn sessions_are_newest_first_and_ties_by_id() {
    let (_dir, store) = store_from_text(
        r#"
        //- session/p/ses_b.json
        {"time":{"created":1,"updated":5}}
        //- session/q/ses_a.json
        {"time":{"created":9,"updated":5}}
        //- session/p/ses_c.json
        {"time":{"created":2,"updated":9}}
        //- session/p/ses_d.json
        {"time":{"created":7}}
        //- session/p/ses_damaged.json
        {"time"
        "#,
    );
    let listed = scan(&store, &Scope::Sessions).entries;
    assert_eq!(key_names(&listed), ["ses_c", "ses_d", "ses_a", "ses_b", "ses_damaged"]);
}

#[test]
fn messages_are_in_order_of_time_across_a_wrap() {
    // Ids made before and after 2026-08-14T11:19:55.136Z. Their bytes are in the reverse order.
    let (_dir, store) = store_from_text(
        r#"
        //- message/ses_1/msg_fffffffff001AAAAAAAAAAAAAA.json
        {"role":"user","time":{"created":1786706395135}}
        //- message/ses_1/msg_000000001001AAAAAAAAAAAAAA.json
        {"role":"assistant","time":{"created":1786706395137}}
        //- message/ses_1/msg_000000002001BBBBBBBBBBBBBB.json
        {"role":"assistant","time":{"created":1786706395138}}
        //- message/ses_1/msg_000000002001AAAAAAAAAAAAAA.json
        {"role":"assistant","time":{"created":1786706395138}}
        //- message/ses_1/msg_000000003001AAAAAAAAAAAAAA.json mtime:1786706400000
        {"damaged before its time
        "#,
    );
    let listed = scan(&store, &Scope::Messages(session_key("ses_1"))).entries;
    assert_eq!(
        key_names(&listed),
        [
            "msg_fffffffff001AAAAAAAAAAAAAA",
            "msg_000000001001AAAAAAAAAAAAAA",
            "msg_000000002001AAAAAAAAAAAAAA",
            "msg_000000002001BBBBBBBBBBBBBB",
            "msg_000000003001AAAAAAAAAAAAAA", // placed by its id
        ]
    );
}

#[test]
fn parts_are_in_order_of_their_clock_across_a_wrap() {
    let (_dir, store) = store_from_text(
        r#"
        //- part/msg_1/prt_000000001001AAAAAAAAAAAAAA.json
        {}
        //- part/msg_1/prt_ffffffffe001AAAAAAAAAAAAAA.json
        {}
        //- part/msg_1/prt_fffffffff002AAAAAAAAAAAAAA.json
        {}
        //- part/msg_1/prt_fffffffff001BBBBBBBBBBBBBB.json
        {}
        //- part/msg_1/prt_fffffffff001AAAAAAAAAAAAAA.json
        {}
        //- part/msg_1/prt_client-made.json
        {}
        "#,
    );
    let message =
        MessageKey { session: session_key("ses_1").session, message: "msg_1".parse().unwrap() };
    let listed = scan(&store, &Scope::Parts(message)).entries;
    assert_eq!(
        key_names(&listed),
        [
            "prt_ffffffffe001AAAAAAAAAAAAAA",
            "prt_fffffffff001AAAAAAAAAAAAAA",
            "prt_fffffffff001BBBBBBBBBBBBBB",
            "prt_fffffffff002AAAAAAAAAAAAAA",
            "prt_000000001001AAAAAAAAAAAAAA",
            "prt_client-made",
        ]
    );
}
