//! Checks that the floor, the naive program and the library deliver the same for every real session
//! and for a generated one.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "it lists the sessions to compare"
)]

use scrollback_benches::floor::tree::FloorTree;
use scrollback_benches::library::tree::LibraryTree;
use scrollback_benches::naive::tree::NaiveTree;
use scrollback_benches::{
    Checksum, Contestant, Contestants, Outcome, Size, Store, StoreFormat, check_agreement,
};
use scrollback_fixtures::Corpus;
use serde_json::Value;

use crate::real_store;

fn contestants(store: &Store, session: &str) -> Contestants {
    vec![
        Box::new(LibraryTree::new(store, session).unwrap()),
        Box::new(FloorTree::new(&store.storage, session)),
        Box::new(NaiveTree::new(&store.storage, session)),
    ]
}

#[test]
fn contestants_agree_on_every_real_session() {
    let corpus = real_store(Corpus::OpencodeJson, StoreFormat::Files);
    let mut agreed = 0;
    for project in std::fs::read_dir(corpus.storage.join("session")).unwrap() {
        for session in std::fs::read_dir(project.unwrap().path()).unwrap() {
            let path = session.unwrap().path();
            let session = path.file_stem().unwrap().to_str().unwrap();
            let mut all = contestants(&corpus, session);
            // `Value` cannot represent unpaired surrogates, which opencode writes: one session has
            // some.
            if let Err(error) = all[2].run() {
                assert!(error.to_string().contains("surrogate"), "{session}: {error}");
                continue;
            }
            check_agreement(&mut all).unwrap_or_else(|error| panic!("{session}: {error:#}"));
            agreed += 1;
        }
    }
    assert!(agreed >= 58, "{agreed}");
}

#[test]
fn contestants_agree_on_the_measured_session() {
    let store = Store::open(Size::S, StoreFormat::Files, 1).unwrap();
    let session = &store.expected.typical_session;
    let Checksum(sums) = check_agreement(&mut contestants(&store, session)).unwrap();
    assert_eq!(sums[..2], [("messages", 40), ("parts", 160)]);
}

/// A contestant with a fixed result.
struct FixedResult(Checksum, Value);

impl Contestant for FixedResult {
    fn name(&self) -> &'static str {
        "result"
    }

    fn run(&mut self) -> anyhow::Result<Outcome> {
        Ok(self.0.clone().into())
    }

    fn proof(&mut self) -> anyhow::Result<Value> {
        Ok(self.1.clone())
    }
}

#[test]
fn a_wrong_result_is_rejected() {
    let result =
        |sum, value: &str| Box::new(FixedResult(Checksum(vec![("sum", sum)]), value.into()));
    assert!(check_agreement(&mut [result(1, "a"), result(1, "a")]).is_ok());
    assert!(check_agreement(&mut [result(1, "a"), result(2, "a")]).is_err(), "other sums");
    assert!(
        check_agreement(&mut [result(1, "a"), result(1, "b")]).is_err(),
        "other values of the same sum"
    );
}
