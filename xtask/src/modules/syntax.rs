//! Parses the tokens of a file into modules, imports, items and paths.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::scope::{Import, ModuleDeclaration, Scope, Visibility};

/// Keywords before the name of an item.
const KINDS: [&str; 8] = ["struct", "enum", "union", "trait", "type", "fn", "const", "static"];
/// Keywords that may stand between an item keyword and the name.
const MODIFIERS: [&str; 6] = ["fn", "mut", "unsafe", "async", "extern", "const"];

/// Parses the items of a module.
pub(crate) fn scope(tokens: TokenStream) -> Scope {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut scope = Scope::default();
    ItemParser { tokens: &tokens, at: 0, visibility: Visibility::Private, file: None }
        .read(&mut scope);
    scope
}

/// A parser over the tokens of a module.
struct ItemParser<'t> {
    tokens: &'t [TokenTree],
    at: usize,
    visibility: Visibility,
    /// The file that `#[path = "…"]` names for the next module.
    file: Option<String>,
}

impl<'t> ItemParser<'t> {
    fn read(mut self, scope: &mut Scope) {
        let mut code = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => self.attribute(),
                TokenTree::Ident(word) if word == "pub" => self.parse_visibility(),
                TokenTree::Ident(word) if word == "use" && !self.is_mark(0, '<') => {
                    let tree = self.until_semicolon();
                    imports(tree, &mut Vec::new(), self.take_visibility(), &mut scope.imports);
                }
                TokenTree::Ident(word) if word == "mod" => self.module(scope),
                TokenTree::Ident(word) if word == "macro_rules" => {
                    if let Some(TokenTree::Ident(name)) = self.tokens.get(self.at + 1) {
                        scope.macros.insert(name.to_string());
                        scope.items.insert(name.to_string(), Visibility::Private);
                    }
                }
                TokenTree::Ident(word) if KINDS.iter().any(|kind| word == kind) => {
                    self.item(scope);
                    code.push(token.clone());
                }
                other => {
                    if ends_item(other) {
                        self.visibility = Visibility::Private;
                    }
                    code.push(other.clone());
                }
            }
        }
        read_code(&code, scope);
    }

    fn take_visibility(&mut self) -> Visibility {
        std::mem::replace(&mut self.visibility, Visibility::Private)
    }

    fn is_mark(&self, ahead: usize, mark: char) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some(TokenTree::Punct(it)) if it.as_char() == mark)
    }

    /// Skips an attribute, and also the item below it if the attribute limits the item to tests.
    fn attribute(&mut self) {
        let inner = self.is_mark(0, '!');
        self.at += usize::from(inner);
        let Some(TokenTree::Group(group)) = self.tokens.get(self.at) else { return };
        self.at += 1;
        if let Some(file) = path_of(group) {
            self.file = Some(file);
        }
        if !inner && is_for_tests(group) {
            while let Some(token) = self.tokens.get(self.at) {
                self.at += 1;
                if ends_item(token) {
                    break;
                }
            }
        }
    }

    fn parse_visibility(&mut self) {
        self.visibility = Visibility::Public;
        if let Some(TokenTree::Group(group)) = self.tokens.get(self.at)
            && is_restriction(group)
        {
            self.visibility = Visibility::Restricted;
            self.at += 1;
        }
    }

    fn until_semicolon(&mut self) -> &'t [TokenTree] {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(is_semicolon).unwrap_or(rest.len());
        self.at += end + 1;
        rest.get(..end).unwrap_or_default()
    }

    fn module(&mut self, scope: &mut Scope) {
        let Some(TokenTree::Ident(name)) = self.tokens.get(self.at) else { return };
        let inline = match self.tokens.get(self.at + 1) {
            Some(TokenTree::Group(body)) => Some(self::scope(body.stream())),
            _ => None,
        };
        self.at += 2;
        let (name, visibility, file) = (name.to_string(), self.take_visibility(), self.file.take());
        scope.modules.push(ModuleDeclaration { name, visibility, file, inline });
    }

    /// Records the name of an item; its body is parsed as code.
    fn item(&mut self, scope: &mut Scope) {
        // `<const N: usize>` and the like do not define items.
        if let Some(before) = self.at.checked_sub(2)
            && matches!(&self.tokens[before], TokenTree::Punct(it) if "<,+:&*".contains(it.as_char()))
        {
            return;
        }
        for token in self.tokens.get(self.at..).unwrap_or_default() {
            match token {
                TokenTree::Ident(word) if MODIFIERS.iter().any(|it| word == it) => {}
                TokenTree::Literal(_) => {} // extern "C"
                TokenTree::Ident(name) => {
                    scope.items.entry(name.to_string()).or_insert(self.visibility);
                    return;
                }
                _ => return,
            }
        }
    }
}

/// Returns the file that `#[path = "…"]` names.
fn path_of(attribute: &Group) -> Option<String> {
    let mut tokens = attribute.stream().into_iter();
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(word)), _, Some(TokenTree::Literal(file))) if word == "path" => {
            Some(file.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

fn is_semicolon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';')
}

/// Checks whether an item ends at this token: a body or a semicolon.
fn ends_item(token: &TokenTree) -> bool {
    let is_body = matches!(token, TokenTree::Group(it) if it.delimiter() == Delimiter::Brace);
    is_body || is_semicolon(token)
}

/// Checks whether an attribute limits an item to tests: `#[cfg(test)]`, `#[cfg(all(test, unix))]`.
pub(crate) fn is_for_tests(attribute: &Group) -> bool {
    let mut tokens = attribute.stream().into_iter();
    let is_cfg = matches!(tokens.next(), Some(TokenTree::Ident(word)) if word == "cfg");
    let names = |stream, name: &str| contains(stream, name);
    is_cfg && names(attribute.stream(), "test") && !names(attribute.stream(), "not")
}

fn contains(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == name,
        TokenTree::Group(group) => contains(group.stream(), name),
        _ => false,
    })
}

/// Checks whether the parentheses after `pub` hold a restriction. They may also begin the type of a
/// tuple's first field.
fn is_restriction(group: &Group) -> bool {
    group.delimiter() == Delimiter::Parenthesis
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word))
            if ["crate", "super", "self", "in"].iter().any(|it| word == it))
}

/// Collects the imports of the tree of a `use`.
fn imports(
    tokens: &[TokenTree],
    before: &mut Vec<String>,
    visibility: Visibility,
    list: &mut Vec<Import>,
) {
    for tree in tokens.split(|token| matches!(token, TokenTree::Punct(it) if it.as_char() == ',')) {
        let depth = before.len();
        let mut words = tree.iter();
        let mut renamed = None;
        let mut whole = false;
        let mut nested = false;
        while let Some(token) = words.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    renamed = words.next().map(ToString::to_string);
                }
                TokenTree::Ident(word) => before.push(word.to_string()),
                TokenTree::Punct(mark) if mark.as_char() == '*' => whole = true,
                TokenTree::Group(group) => {
                    nested = true;
                    let inner: Vec<_> = group.stream().into_iter().collect();
                    imports(&inner, before, visibility, list);
                }
                _ => {}
            }
        }
        if before.len() > 1 && before.last().is_some_and(|last| last == "self") {
            before.pop();
        }
        if !nested && !tree.is_empty() {
            let name = if whole { None } else { renamed.or_else(|| before.last().cloned()) };
            list.push(Import { path: before.clone(), name, visibility });
        }
        before.truncate(depth);
    }
}

/// Collects the names and paths of code, and the imports of a `use` within it.
fn read_code(tokens: &[TokenTree], scope: &mut Scope) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                // The content of an attribute is skipped: a macro decides what its names mean.
                at += usize::from(matches!(tokens.get(at), Some(TokenTree::Group(_))));
            }
            TokenTree::Ident(word) if word == "use" => {
                let rest = tokens.get(at..).unwrap_or_default();
                if let Some(end) = rest.iter().position(is_semicolon) {
                    imports(&rest[..end], &mut Vec::new(), Visibility::Private, &mut scope.imports);
                    at += end;
                }
            }
            TokenTree::Ident(_) => at = read_path(tokens, at - 1, scope),
            TokenTree::Group(group) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                read_code(&inner, scope);
            }
            _ => {}
        }
    }
}

/// Reads the path that begins at a name, and returns the index of its end.
fn read_path(tokens: &[TokenTree], start: usize, scope: &mut Scope) -> usize {
    let is_mark = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(it)) if it.as_char() == mark);
    let mut path = Vec::new();
    let mut at = start;
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;
        if !(is_mark(at, ':') && is_mark(at + 1, ':')) {
            break;
        }
        at += 2;
    }
    // The name is a field, a method, or the rest of a path that began with a type in angle
    // brackets.
    let follows = start.checked_sub(1).is_some_and(|before| {
        let is_range = start >= 2 && is_mark(start - 2, '.');
        let is_path_end = start >= 2 && is_mark(before, ':') && is_mark(start - 2, ':');
        (is_mark(before, '.') && !is_range) || is_path_end
    });
    if !follows && let Some(first) = path.first() {
        scope.names.insert(first.clone());
        if path.len() > 1 {
            scope.paths.insert(path);
        }
    }
    at
}
