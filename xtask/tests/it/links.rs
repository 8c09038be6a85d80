//! Checks that relative links in the documents have a target: an existing file, and an existing
//! heading in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{BrokenLink, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::repo::{Files, assert_none, example_files, files, root};

/// The anchors and links of a document.
#[derive(Default)]
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

impl Page {
    fn new(text: &str) -> Self {
        let mut undefined = Vec::new();
        let mut callback = |link: BrokenLink<'_>| {
            // `[x]` alone may be plain text, but `[x][y]` can only be a link.
            if matches!(link.link_type, LinkType::Reference | LinkType::ReferenceUnknown) {
                undefined.push(link.reference.to_string());
            }
            None
        };
        let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
        let parser = Parser::new_with_broken_link_callback(text, options, Some(&mut callback));
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in parser {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add_heading(&heading.take().unwrap()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    let ids = html.split("id=\"").skip(1);
                    page.anchors
                        .extend(ids.filter_map(|id| Some(id.split_once('"')?.0.to_owned())));
                }
                _ => {}
            }
        }
        page.links.extend(undefined.into_iter().map(|name| format!("[{name}] (undefined)")));
        page
    }

    /// Adds a heading's anchor as GitHub generates it; the second heading of the same name gets
    /// `-1`.
    fn add_heading(&mut self, heading: &str) {
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug: String =
            kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let numbered = (1..).map(|n| format!("{slug}-{n}"));
        let mut names = std::iter::once(slug.clone()).chain(numbered);
        let free = names.find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// Resolves `.` and `..` without file system calls; `None` if the path leaves the root.
fn normalize(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

/// Returns the links without a target; `exists` checks files that are not documents.
fn broken_links(files: &Files, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let pages: BTreeMap<_, _> = files.iter().map(|(path, text)| (path, Page::new(text))).collect();
    let mut problems = Vec::new();
    for (path, page) in &pages {
        for link in &page.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match target {
                "" => Some((*path).clone()),
                _ => normalize(&path.with_file_name("").join(target)),
            };
            let leads = target.is_some_and(|target| match pages.get(&target) {
                Some(page) => anchor.is_empty() || page.anchors.contains(anchor),
                None => exists(&target),
            });
            if !leads {
                problems.push(format!("{}: {link} has no target", path.display()));
            }
        }
    }
    problems
}

#[test]
fn links_have_targets() {
    assert_none(&broken_links(&files(&["md"]), |path| root().join(path).exists()));
}

#[test]
fn broken_links_are_found() {
    let files = example_files([
        (
            "docs/a.md",
            "# A `b` c: d\n## Same\n## Same\n<a id=\"html\"></a>\n\n[r]: ../README.md\n\n\
             [1](#a-b-c-d) [2](#same-1) [3](#html) [4](../README.md#top) [5](../src/x.rs#L3)\n\
             [6](https://example.org/x) [r] [7][r] [not a link] `[8](code.md)`\n\n\
             [b1](b.md) [b2](#same-2) [b3](../README.md#no) [b4](../../out.md) [b5][nowhere]\n\
             ![b6](x.png)\n",
        ),
        ("README.md", "# Top\n[docs](docs/a.md)"),
    ]);
    let broken = broken_links(&files, |path| path == Path::new("src/x.rs"));
    let bad =
        ["b.md", "#same-2", "../README.md#no", "../../out.md", "x.png", "[nowhere] (undefined)"];
    assert_eq!(broken, bad.map(|link| format!("docs/a.md: {link} has no target")));
}
