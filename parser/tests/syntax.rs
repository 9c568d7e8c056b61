//! `ok/*.gl` parse into the tree of their `.ast`; `err/*.gl` are refused with the messages of their `.stderr`, which
//! are those of Go's compiler. `BLESS=1` writes what is found.

use golite_parser as parser;

mod dump;

use diagnostics::{FileId, SourceMap};
use parser::ast::{Ast, File, Interner};
use std::path::{Path, PathBuf};

struct Parsed {
    ast: Ast,
    names: Interner,
    file: File,
    messages: String,
}

fn parse(name: &str, text: &str) -> Parsed {
    let (mut ast, mut names, mut map) = (Ast::new(), Interner::new(), SourceMap::new());
    let id = map.add(name, text).expect("a test is small");
    let (file, diagnostics) = parser::parse_file(&mut ast, &mut names, id, text);
    let messages = diagnostics::render(&map, &diagnostics, diagnostics::Format::OneLine, None);
    Parsed {
        ast,
        names,
        file,
        messages,
    }
}

fn scripts(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "gl"));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// Compares with the file beside the script; gives the name of the script if they differ.
fn compare(script: &Path, extension: &str, found: &str) -> Option<String> {
    let golden = script.with_extension(extension);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    (expected != found).then(|| {
        format!(
            "{}:\n--- expected\n{expected}--- found\n{found}",
            script.display()
        )
    })
}

#[test]
fn right_texts_become_trees() {
    let mut wrong = Vec::new();
    for path in scripts("ok") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Parsed {
            ast,
            names,
            file,
            messages,
        } = parse(&name, &text);
        let tree = if messages.is_empty() {
            dump::dump(&ast, &names, &file, &text)
        } else {
            messages
        };
        wrong.extend(compare(&path, "ast", &tree));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wrong_texts_are_refused_as_go_refuses_them() {
    let mut wrong = Vec::new();
    for path in scripts("err") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        wrong.extend(compare(&path, "stderr", &parse(&name, &text).messages));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_depth_is_too_deep() {
    let deep = 200_000;
    let nest = |open: &str, middle: &str, close: &str| {
        format!(
            "package p\n{}{middle}{}\n",
            open.repeat(deep),
            close.repeat(deep)
        )
    };
    let texts = [
        nest("", "var x = ", "") + &"(".repeat(deep),
        format!(
            "package p\nvar x = {}1{}\n",
            "(".repeat(deep),
            ")".repeat(deep)
        ),
        format!("package p\nvar x = {}1\n", "!".repeat(deep)),
        format!("package p\nvar x = 1{}\n", " + 1".repeat(deep)),
        format!("package p\nvar x {}int\n", "[]".repeat(deep)),
        format!("package p\nvar x = f{}\n", "()".repeat(deep)),
        format!(
            "package p\nfunc f() {{{}{}}}\n",
            "{".repeat(deep),
            "}".repeat(deep)
        ),
        format!(
            "package p\nfunc f() {{ {}{{}}\n}}\n",
            "if a {} else ".repeat(deep)
        ),
        format!("package p\nfunc f() {{ {}\n}}\n", "L: ".repeat(deep)),
        format!("package p\nfunc f() {{ {}\n", "for { ".repeat(deep)),
        format!(
            "package p\ntype T {}int{}\n",
            "struct { a ".repeat(deep),
            "}".repeat(deep)
        ),
        format!(
            "package p\nvar x = T{}{}\n",
            "{".repeat(deep),
            "}".repeat(deep)
        ),
    ];
    for text in texts {
        let messages = parse("deep.gl", &text).messages;
        assert!(
            messages.contains("nested too deeply"),
            "{} …: {messages}",
            &text[..40]
        );
    }
    // Just within the limit is right.
    let text = format!(
        "package p\nvar x = {}1{}\n",
        "(".repeat(9_990),
        ")".repeat(9_990)
    );
    assert_eq!(parse("deep.gl", &text).messages, "");
}

#[test]
fn any_mutilation_is_survived() {
    // A text of every construct, with each byte range of a few lengths cut out.
    for path in scripts("ok") {
        let text = std::fs::read_to_string(&path).unwrap();
        for length in [1, 2, 7] {
            for start in (0..text.len()).step_by(3) {
                let end = (start + length).min(text.len());
                if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
                    continue;
                }
                let cut = format!("{}{}", &text[..start], &text[end..]);
                let (mut ast, mut names) = (Ast::new(), Interner::new());
                let (file, diagnostics) = parser::parse_file(&mut ast, &mut names, FileId(0), &cut);
                if diagnostics.is_empty() {
                    dump::dump(&ast, &names, &file, &cut);
                }
            }
        }
    }
}

#[test]
fn doc_comments_stand_directly_above() {
    let text = "package p\n\n// far\n\n// A does\n// this.\n//go:noinline\nfunc A() {}\n\nvar x int // behind\nfunc B() {}\n\n/* C\n does */\nfunc C() {}\n";
    let Parsed { ast, file, .. } = parse("doc.gl", text);
    let docs: Vec<Option<String>> = file
        .decls
        .iter()
        .filter_map(|&id| match *ast.decl(id) {
            parser::ast::Decl::Func(function) => Some(function.doc.map(|range| {
                parser::ast::doc_text(&text[range.start as usize..range.end as usize])
            })),
            _ => None,
        })
        .collect();
    assert_eq!(
        docs,
        [
            Some("A does\nthis.".to_owned()),
            None,
            Some("C\ndoes".to_owned())
        ]
    );
}

#[test]
fn expressions_are_shown_as_go_shows_them() {
    for shown in [
        "a + b*c",
        "f(x, y...)[1:2:3].(T).m",
        "[]int{…}",
        "func(a, b int, c ...string) (x error, y bool) {…}",
        "map[string]chan<- (<-chan int)",
        "struct{a, b int; T; c string \"tag\"}",
        "interface{m(x int) string; ~int | string}",
        "[...]T{}",
        "*p",
        "-x & ^y",
        "G[int, []string](nil)",
        "chan (<-chan int)",
        "(x)",
    ] {
        let source = shown.replace(
            '…',
            if shown.starts_with("func") {
                "return"
            } else {
                "1"
            },
        );
        let Parsed {
            ast,
            names,
            file,
            messages,
        } = parse("x.gl", &format!("package p\nvar _ = {source}\n"));
        assert_eq!(messages, "", "{shown}");
        let parser::ast::Decl::Var(specs) = *ast.decl(file.decls[0]) else {
            panic!()
        };
        let value = ast.list(ast.list(specs)[0].values)[0];
        let expected = shown.replace("b*c", "b * c");
        assert_eq!(ast.expr_string(&names, value), expected);
    }
}
