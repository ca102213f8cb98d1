//! The paths that Rust source names, for tests that hold rules about who may name what.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

/// One path in the source: `use` groups are taken apart, `self` and `super` resolved, so that a path inside the crate
/// starts with `crate`. A macro's name ends with `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its segments.
    pub path: Vec<String>,
    /// Line of its first token, from 1.
    pub line: usize,
    /// It stands in an item under `#[cfg(test)]`.
    pub in_test: bool,
}

/// All paths of a file, also of one segment, in their order. `module` is the file's own path inside the crate.
pub fn paths(code: &str, module: &[&str]) -> Result<Vec<Named>, LexError> {
    let mut reader =
        Reader { found: Vec::new(), module: module.iter().map(|part| (*part).to_string()).collect(), in_test: false };
    reader.tokens(TokenStream::from_str(code)?);
    Ok(reader.found)
}

struct Reader {
    found: Vec<Named>,
    module: Vec<String>,
    in_test: bool,
}

impl Reader {
    fn tokens(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_cfg_test(tokens.get(at + 1)) => {
                    let end = item_end(&tokens, at + 2);
                    let outer = std::mem::replace(&mut self.in_test, true);
                    self.tokens(tokens[at + 2..end].iter().cloned().collect());
                    self.in_test = outer;
                    end
                }
                TokenTree::Ident(word) if word == "mod" => self.inline_module(&tokens, at),
                TokenTree::Ident(_) => self.path(&tokens, at, &[]),
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// `mod name { … }` deepens what `self` and `super` mean.
    fn inline_module(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) = (tokens.get(at + 1), tokens.get(at + 2))
        else {
            return at + 2;
        };
        self.module.push(name.to_string());
        self.tokens(body.stream());
        self.module.pop();
        at + 3
    }

    /// Reads the path that starts here and returns where it ends.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize, prefix: &[String]) -> usize {
        let mut path = prefix.to_vec();
        let line = tokens.get(at).map_or(0, |token| token.span().start().line);
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => path.push(word.to_string().trim_start_matches("r#").to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && !path.is_empty() => {
                    self.use_group(group, &path);
                    return at + 1;
                }
                _ => break,
            }
            at += 1;
            if !is_separator(tokens, at) {
                break;
            }
            at += 2;
        }
        if is_bang(tokens, at)
            && let Some(last) = path.last_mut()
        {
            last.push('!');
        }
        self.found.push(Named { path: self.absolute(path), line, in_test: self.in_test });
        at
    }

    fn use_group(&mut self, group: &Group, prefix: &[String]) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Ident(word) if word == "as" => at + 2,
                TokenTree::Ident(_) => self.path(&tokens, at, prefix),
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    let line = tokens[at].span().start().line;
                    let path = self.absolute(prefix.to_vec());
                    self.found.push(Named { path, line, in_test: self.in_test });
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    fn absolute(&self, path: Vec<String>) -> Vec<String> {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let skip = match path.first().map(String::as_str) {
            Some("self") if path.len() > 1 => 1 + path[1..].iter().take_while(|part| *part == "super").count(),
            Some("super") => supers,
            _ => return path,
        };
        let up = path[..skip].iter().filter(|part| *part == "super").count();
        let kept = self.module.len().saturating_sub(up);
        std::iter::once("crate".to_string())
            .chain(self.module[..kept].iter().cloned())
            .chain(path[skip..].to_vec())
            .collect()
    }
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(at) && is_colon(at + 1)
}

/// `name!` is a macro, `name != other` is not.
fn is_bang(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == '!')
        && matches!(tokens.get(at + 1), Some(TokenTree::Group(_) | TokenTree::Ident(_)))
}

fn is_cfg_test(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Where the item that starts here ends: behind its block or its semicolon.
fn item_end(tokens: &[TokenTree], from: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    tokens[from..].iter().position(ends).map_or(tokens.len(), |position| from + position + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str, module: &[&str]) -> Vec<String> {
        paths(code, module)
            .unwrap()
            .into_iter()
            .map(|named| named.path.join("::"))
            .filter(|path| path.contains("::"))
            .collect()
    }

    #[test]
    fn takes_use_groups_apart() {
        let code = "use crate::{base::{Mac, Timestamp as T}, packet::*}; fn f() { crate::flow::g(std::fs::read); }";
        let expected =
            ["crate::base::Mac", "crate::base::Timestamp", "crate::packet", "crate::flow::g", "std::fs::read"];
        assert_eq!(found(code, &["x"]), expected);
    }

    #[test]
    fn resolves_super_and_self() {
        let code = "use super::a::A; use self::b::B; mod tests { use super::C; use super::super::super::packet::D; }";
        let expected = ["crate::flow::a::A", "crate::flow::table::b::B", "crate::flow::table::C", "crate::packet::D"];
        assert_eq!(found(code, &["flow", "table"]), expected);
    }

    #[test]
    fn reads_no_comment_and_no_string_and_knows_tests() {
        let code = "// crate::a::b\n/// crate::c::d\nfn f() { \"crate::e::f\"; }\n#[cfg(test)] mod tests { use std::fs::File; }";
        assert_eq!(found(code, &[]), ["std::fs::File"]);
        assert!(
            paths(code, &[]).unwrap().iter().any(|named| named.in_test && named.line == 4 && named.path[0] == "std")
        );
    }

    #[test]
    fn tells_macros_from_inequality() {
        let names: Vec<String> = paths("fn f() { a != b; println!(\"\"); }", &[])
            .unwrap()
            .into_iter()
            .flat_map(|named| named.path)
            .collect();
        assert_eq!(names, ["fn", "f", "a", "b", "println!"]);
    }
}
