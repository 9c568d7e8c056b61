//! Checks the files under `tests/cases` and compares the errors with those written in them.
//!
//! A comment `// ERROR "text"` says that an error is reported on its line whose message contains the text; several texts
//! stand for several errors. `\n\t` in a text is a further line of the message (its file positions are cut to `FILE`). A file
//! without such comments must be free of errors. What is expected here is what Go 1.27's compiler reports; it differs
//! only in files whose name begins with `golite_`.
//!
//! Imports are found under `tests/packages`.

use std::path::{Path, PathBuf};

use diagnostics::SourceMap;
use golite_checker::{Importer, Options, PackageSource, SourceText, TypedProgram, check_program};
use parser::ast::{Ast, Interner};

struct Folder(PathBuf);

impl Importer for Folder {
    fn source(&mut self, path: &str) -> Option<PackageSource> {
        let folder = self.0.join(path);
        let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.retain(|name| name.extension().is_some_and(|extension| extension == "gl"));
        names.sort();
        let standard = !path.starts_with("user/");
        let files = names
            .into_iter()
            .map(|name| SourceText {
                name: name.file_name().unwrap().to_string_lossy().into_owned(),
                text: std::fs::read_to_string(&name).unwrap(),
            })
            .collect();
        Some(PackageSource { files, standard })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Checks a text; gives the errors as line and message.
fn check(name: &str, text: &str) -> (TypedProgram, Vec<(u32, String)>) {
    let (mut ast, mut names, mut sources) = (Ast::new(), Interner::new(), SourceMap::new());
    let id = sources.add(name, text).unwrap();
    let (file, mut all) = parser::parse_file(&mut ast, &mut names, id, sources.text(id));
    let mut importer = Folder(root().join("packages"));
    let (program, diagnostics) = check_program(
        &mut ast,
        &mut names,
        &mut sources,
        vec![file],
        &mut importer,
        &Options::default(),
    );
    all.append(diagnostics);
    let errors = all
        .iter()
        .map(|diagnostic| {
            let position = sources.line_column(diagnostic.range);
            assert_eq!(
                diagnostic.range.file, id,
                "error in a package: {}",
                diagnostic.message
            );
            (position.line, diagnostic.message.clone())
        })
        .collect();
    (program, errors)
}

/// The texts in quotes or backquotes behind `ERROR`.
fn expectations(line: &str) -> Vec<String> {
    let Some((_, mut rest)) = line.split_once("// ERROR ") else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    while let Some(start) = rest.find(['"', '`']) {
        let quote = rest[start..].chars().next().unwrap();
        let mut text = String::new();
        let mut characters = rest[start + 1..].char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = characters.next() {
            if c == quote {
                end = start + 1 + at + 1;
                break;
            }
            if c == '\\' && quote == '"' {
                match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => {}
                }
                continue;
            }
            text.push(c);
        }
        texts.push(text);
        rest = &rest[end..];
    }
    texts
}

fn compare(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let (_, errors) = check(&name, &text);
    let mut problems = Vec::new();
    let mut left: Vec<(u32, String)> = errors;
    for (index, line) in text.lines().enumerate() {
        let number = index as u32 + 1;
        for expected in expectations(line) {
            let found = left.iter().position(|(line, message)| {
                *line == number
                    && message
                        .replace(&format!("{name}:"), "FILE:")
                        .contains(&expected)
            });
            match found {
                Some(found) => {
                    left.remove(found);
                }
                None => problems.push(format!("{name}:{number}: expected {expected:?}")),
            }
        }
    }
    problems.extend(
        left.iter()
            .map(|(line, message)| format!("{name}:{line}: unexpected {message:?}")),
    );
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

#[test]
fn cases_give_the_expected_errors() {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("cases"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 60, "only {} cases", paths.len());
    let problems: Vec<String> = paths
        .iter()
        .filter_map(|path| compare(path).err())
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn deep_nesting_is_no_crash() {
    let depth = 4_000;
    let cases = [
        format!(
            "package main\nfunc main() {{ _ = {}1{} }}\n",
            "(".repeat(depth),
            ")".repeat(depth)
        ),
        format!(
            "package main\nfunc main() {{ x := 1; _ = {}x }}\n",
            "x + ".repeat(depth)
        ),
        format!(
            "package main\nfunc main() {{ x := 1; _ = {}x }}\n",
            "-^".repeat(depth / 2)
        ),
        format!(
            "package main\nvar x {}int\nfunc main() {{}}\n",
            "[]".repeat(depth)
        ),
        format!(
            "package main\nvar x, y {}int\nfunc main() {{ _ = x == y }}\n",
            "[1]".repeat(depth)
        ),
        format!(
            "package main\nfunc main() {}{}\n",
            "{".repeat(depth),
            "}".repeat(depth)
        ),
        format!(
            "package main\nfunc main() {{ x := true; {} {{}} }}\n",
            "if x {} else ".repeat(depth)
        ),
        format!(
            "package main\nfunc main() {}{}\n",
            "{ _ = func() ".repeat(depth / 4),
            "{}".to_owned() + &" }".repeat(depth / 4)
        ),
    ];
    for text in cases {
        let (_, errors) = check("deep.go", &text);
        for (_, message) in errors {
            assert!(
                message.len() < 20_000,
                "a message of {} bytes",
                message.len()
            );
        }
    }
}

#[test]
fn many_types_in_a_chain_are_no_crash() {
    use std::fmt::Write as _;
    let mut text = "package main\n".to_owned();
    for number in 0..20_000 {
        writeln!(text, "type T{number} struct {{ t T{} }}", number + 1).unwrap();
    }
    text.push_str("type T20000 int\nfunc main() { var x T0; _ = x == x }\n");
    let (_, errors) = check("chain.go", &text);
    assert!(errors.is_empty(), "{:?}", errors.first());
}

/// Checks a text and gives the diagnostics' messages with their files' names.
fn check_all(text: &str) -> (TypedProgram, Ast, Interner, Vec<String>) {
    let (mut ast, mut names, mut sources) = (Ast::new(), Interner::new(), SourceMap::new());
    let id = sources.add("main.gl", text).unwrap();
    let (file, parsed) = parser::parse_file(&mut ast, &mut names, id, sources.text(id));
    assert!(parsed.is_empty(), "{parsed:?}");
    let mut importer = Folder(root().join("packages"));
    let (program, diagnostics) = check_program(
        &mut ast,
        &mut names,
        &mut sources,
        vec![file],
        &mut importer,
        &Options::default(),
    );
    let messages = diagnostics
        .iter()
        .map(|diagnostic| {
            format!(
                "{}: {}",
                sources.position(diagnostic.range),
                diagnostic.message
            )
        })
        .collect();
    (program, ast, names, messages)
}

#[test]
fn an_import_cycle_is_reported_once() {
    let (_, _, _, messages) =
        check_all("package main\nimport \"user/cycle_a\"\nfunc main() { _ = cycle_a.X }\n");
    let cycles: Vec<_> = messages
        .iter()
        .filter(|message| message.contains("import cycle not allowed"))
        .collect();
    assert_eq!(cycles.len(), 1, "{messages:?}");
    assert!(
        cycles[0].contains("package user/cycle_a\n\timports user/cycle_b\n\timports user/cycle_a"),
        "{}",
        cycles[0]
    );
}

#[test]
fn a_missing_main_is_reported() {
    let (_, _, _, messages) = check_all("package main\nvar x = 1\n");
    assert_eq!(
        messages,
        ["main.gl:1:9: function main is undeclared in the main package"]
    );
}

#[test]
fn only_what_is_reached_of_standard_packages_is_checked() {
    let text =
        "package main\nimport \"fmt\"\nimport \"time\"\nfunc main() { fmt.Println(time.Second) }\n";
    let (program, _, names, messages) = check_all(text);
    assert!(messages.is_empty(), "{messages:?}");
    let reachable: Vec<&str> = program
        .reachable
        .iter()
        .map(|id| names.text(program.object(program.function(*id).object).name))
        .collect();
    for wanted in ["main", "Println", "WriteString", "String"] {
        assert!(
            reachable.contains(&wanted),
            "{wanted} is not in {reachable:?}"
        );
    }
    for unwanted in ["Printf", "Sleep", "Close", "initUnreached", "newFile"] {
        assert!(
            !reachable.contains(&unwanted),
            "{unwanted} is in {reachable:?}"
        );
    }
    for package in &program.packages {
        assert!(
            package.init_order.is_empty(),
            "{} has variables to initialise",
            package.path
        );
    }
}

#[test]
fn package_variables_are_initialised_in_order() {
    let text = "package main\nvar a = b + c()\nvar b = 1\nfunc c() int { return d }\nvar d, e = f()\nfunc f() (int, int) { return g, g }\nvar g = 2\nvar _ = a\nfunc main() {}\n";
    let (program, _, names, messages) = check_all(text);
    assert!(messages.is_empty(), "{messages:?}");
    let order: Vec<String> = program
        .package(program.main)
        .init_order
        .iter()
        .map(|initializer| {
            let names: Vec<&str> = initializer
                .lhs
                .iter()
                .map(|v| names.text(program.object(*v).name))
                .collect();
            names.join(",")
        })
        .collect();
    assert_eq!(order, ["b", "g", "d,e", "a", "_"]);
}

#[test]
fn captures_and_addresses_are_found() {
    let text = "package main
type T struct{ n int; arr [3]int }
func (t *T) set() {}
func main() {
	plain, captured, changed, addressed, method, sliced, field := 1, 2, 3, 4, T{}, [3]int{}, T{}
	f := func() int {
		changed++
		g := func() int { return captured }
		return g()
	}
	p := &addressed
	method.set()
	s := sliced[:]
	q := &field.arr[1]
	for i := 0; i < plain; i++ { _ = i }
	_, _, _, _ = f, p, s, q
}
";
    let (program, ast, names, messages) = check_all(text);
    assert!(messages.is_empty(), "{messages:?}");
    let flags = |wanted: &str| {
        let object = program
            .objects
            .iter()
            .find(|object| names.text(object.name) == wanted && object.variable().is_some());
        let variable = object.and_then(|object| object.variable()).unwrap();
        (
            variable.captured,
            variable.reassigned,
            variable.address_taken,
        )
    };
    assert_eq!(flags("plain"), (false, false, false));
    assert_eq!(flags("captured"), (true, false, false));
    assert_eq!(flags("changed"), (true, true, false));
    assert_eq!(flags("addressed"), (false, false, true));
    assert_eq!(flags("method"), (false, false, true));
    assert_eq!(flags("sliced"), (false, false, true));
    assert_eq!(flags("field"), (false, false, true));
    assert_eq!(flags("i"), (false, true, false));
    let mut captures: Vec<Vec<&str>> = program
        .closures
        .values()
        .map(|closure| {
            closure
                .captures
                .iter()
                .map(|v| names.text(program.object(*v).name))
                .collect()
        })
        .collect();
    captures.sort();
    assert_eq!(captures, [vec!["captured"], vec!["changed", "captured"]]);
    // Every expression of a checked program has a canonical, typed type.
    for index in 0..ast.expr_count() {
        let expr = parser::ast::ExprId::from_index(index);
        let typ = program.type_of(expr);
        assert_eq!(program.types.canonical(typ), typ);
    }
}

#[test]
fn run_time_names_are_those_of_reflection() {
    let text = "package main
type T struct{ n int }
var (
	a T
	b *T
	c []int
	d map[string]byte
	e func(x int, y ...string) (n int, err error)
	f struct{ X int; y string }
	g interface{ M() }
	h any
	i [3]rune
	j chan<- error
	k struct{}
)
func main() {}
";
    let (program, _, names, messages) = check_all(text);
    assert!(messages.is_empty(), "{messages:?}");
    let name = |wanted: &str| {
        let package = program.package(program.main);
        let object = package.scope[&names.find(wanted).unwrap()];
        program.run_time_type_string(&names, program.object(object).typ)
    };
    let found: Vec<String> = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
        .map(name)
        .to_vec();
    assert_eq!(
        found,
        [
            "main.T",
            "*main.T",
            "[]int",
            "map[string]uint8",
            "func(int, ...string) (int, error)",
            "struct { X int; y string }",
            "interface { M() }",
            "interface {}",
            "[3]int32",
            "chan<- error",
            "struct {}"
        ]
    );
}

#[test]
fn no_expression_of_a_right_program_is_left_untyped() {
    use golite_checker::typed::Mode;
    use parser::ast::{Expr, ExprId, Stmt, StmtId};
    for case in ["statements_ok.gl", "imports_ok.gl", "golite_types_ok.gl"] {
        let text = std::fs::read_to_string(root().join("cases").join(case)).unwrap();
        let (program, ast, _, messages) = check_all(&text);
        assert!(messages.is_empty(), "{messages:?}");
        // Operands of constant expressions may stay untyped, and so may the values of untyped constants' declarations and nil as
        // a case of a type switch.
        let mut exempt = vec![false; ast.expr_count()];
        let all = || (0..ast.expr_count()).map(ExprId::from_index);
        for expr in all().rev() {
            if program.constant(expr).is_none() {
                continue;
            }
            match *ast.expr(expr) {
                Expr::Paren(inner) => exempt[inner.index()] = true,
                Expr::Unary { operand, .. } => exempt[operand.index()] = true,
                Expr::Binary { left, right, .. } => {
                    exempt[left.index()] = true;
                    exempt[right.index()] = true;
                }
                Expr::Call { args, .. } => ast
                    .list(args)
                    .iter()
                    .for_each(|arg| exempt[arg.index()] = true),
                _ => {}
            }
        }
        for index in 0..ast.decl_count() {
            if let parser::ast::Decl::Const(specs) =
                *ast.decl(parser::ast::DeclId::from_index(index))
            {
                for spec in ast.list(specs) {
                    ast.list(spec.values)
                        .iter()
                        .for_each(|value| exempt[value.index()] = true);
                }
            }
        }
        for index in 0..ast.stmt_count() {
            if let Stmt::TypeSwitch { cases, .. } = *ast.stmt(StmtId::from_index(index)) {
                for case in ast.list(cases) {
                    ast.list(case.values)
                        .iter()
                        .for_each(|value| exempt[value.index()] = true);
                }
            }
        }
        for expr in all() {
            let entry = program.type_and_value(expr);
            if entry.mode != Mode::None
                && !exempt[expr.index()]
                && program.types.is_untyped(entry.typ)
            {
                panic!(
                    "{case}: {:?} at {:?} is {:?}",
                    ast.expr(expr),
                    ast.range(expr),
                    program.types.get(entry.typ)
                );
            }
        }
    }
}
