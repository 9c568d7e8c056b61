//! Nothing that a script nests, chains or repeats makes golite crash or take long: it works or is refused.
//!
//! Each program is generated twice: a little below [`parser::ast::MAX_DEPTH`], where every stage has to walk the depth, and far above it.

use std::fmt::Write as _;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Deep, but not too deep for a shape that takes two levels a step.
const BELOW: usize = 4_900;
/// Of three levels a step.
const BELOW_THIRD: usize = 3_200;
const ABOVE: usize = 50_000;

/// Much more than any of these programs needs.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a program; gives its exit status and what it wrote to standard error.
///
/// # Panics
/// golite was ended by a signal, does not end, or says that it has a bug.
fn run(name: &str, source: &str) -> (i32, String) {
    let folder = std::env::temp_dir().join(format!("golite-depth-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("program.go");
    std::fs::write(&path, source).expect("a file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_golite"))
        .arg("run")
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("golite starts");
    let mut pipe = child.stderr.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = pipe.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            panic!("{name}: still running after {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let stderr = reader.join().expect("no panic");
    let _ = std::fs::remove_dir_all(&folder);
    let head: String = stderr.chars().take(300).collect();
    let Some(code) = status.code() else {
        panic!("{name}: {status}: {head}");
    };
    assert!(matches!(code, 0..=2), "{name}: status {code}: {head}");
    (code, stderr)
}

/// `head`, then `main` around `body`.
fn program(head: &str, body: &str) -> String {
    format!("package main\n\n{head}\n\nfunc main() {{\n{body}\n}}\n")
}

/// `open` n times, `middle`, `close` n times.
fn nest(n: usize, open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(n), close.repeat(n))
}

/// A shape of the given depth.
type Shape = fn(usize) -> String;

/// Those that work while they are not too deep.
const NESTED: &[(&str, usize, Shape)] = &[
    ("parentheses", BELOW, |n| {
        program("", &format!("x := {}\n_ = x", nest(n, "(", "1", ")")))
    }),
    ("not", BELOW, |n| {
        program("", &format!("x := {}true\n_ = x", "!".repeat(n)))
    }),
    ("minus", BELOW, |n| {
        program("", &format!("y := 1\nx := {}y\n_ = x", "- ".repeat(n)))
    }),
    ("blocks", BELOW, |n| program("", &nest(n, "{", "", "}"))),
    ("else_if", BELOW, |n| {
        program(
            "",
            &format!(
                "x := 3\nif x == 1 {{\n}}{}",
                " else if x == 2 {\n}".repeat(n)
            ),
        )
    }),
    ("ifs", BELOW, |n| {
        program("", &nest(n, "if true {\n", "", "}\n"))
    }),
    ("loops", BELOW_THIRD, |n| {
        program(
            "",
            &format!(
                "f := func() {{\n{}\n}}\n_ = f",
                nest(n, "for {\n", "", "}\n")
            ),
        )
    }),
    ("switches", BELOW_THIRD, |n| {
        program("", &nest(n, "switch {\ncase true:\n", "", "}\n"))
    }),
    ("type_switches", BELOW_THIRD, |n| {
        program(
            "",
            &format!(
                "var x any\n{}",
                nest(n, "switch x.(type) {\ncase nil:\n", "", "}\n")
            ),
        )
    }),
    ("selects", BELOW_THIRD, |n| {
        program(
            "",
            &format!(
                "var c chan int\n{}",
                nest(n, "select {\ncase <-c:\ndefault:\n", "", "}\n")
            ),
        )
    }),
    ("sum", BELOW, |n| {
        program("", &format!("a := 1\nx := a{}\n_ = x", "+a".repeat(n)))
    }),
    ("sum_to_the_right", BELOW, |n| {
        program(
            "",
            &format!("a := 1\nx := {}\n_ = x", nest(n, "a+(", "a", ")")),
        )
    }),
    ("constant_sum", BELOW, |n| {
        program("", &format!("x := 1{}\n_ = x", "+1".repeat(n)))
    }),
    ("conditions", BELOW, |n| {
        program("", &format!("a := true\nx := a{}\n_ = x", "&&a".repeat(n)))
    }),
    ("strings", BELOW, |n| {
        program("", &format!("a := \"x\"\nx := a{}\n_ = x", "+a".repeat(n)))
    }),
    ("constant_strings", BELOW, |n| {
        program("", &format!("x := \"x\"{}\n_ = x", "+\"y\"".repeat(n)))
    }),
    ("function_literals", 1_600, |n| {
        program("", &nest(n, "func() {", "println()", "}()"))
    }),
    ("captures", 1_600, |n| {
        program(
            "",
            &format!("x := 1\n{}", nest(n, "func() {", "x++", "}()")),
        )
    }),
    ("composites", BELOW, |n| {
        program(
            "type T []T",
            &format!("x := {}\n_ = x", nest(n, "T{", "", "}")),
        )
    }),
    ("composites_without_type", BELOW, |n| {
        program(
            "type T []T",
            &format!("x := T{}\n_ = x", nest(n, "{", "", "}")),
        )
    }),
    ("slice_types", BELOW, |n| {
        program(
            "",
            &format!("var x {}int\nvar y any = x\n_ = y", "[]".repeat(n)),
        )
    }),
    ("array_types", 1_000, |n| {
        program(
            "",
            &format!("var x {}int\nvar y any = x\n_ = y == y", "[1]".repeat(n)),
        )
    }),
    ("pointer_types", BELOW, |n| {
        program(
            "",
            &format!("var x {}int\nvar y any = x\n_ = y", "*".repeat(n)),
        )
    }),
    ("map_types", BELOW, |n| {
        program(
            "",
            &format!("var x {}int\nvar y any = x\n_ = y", "map[int]".repeat(n)),
        )
    }),
    ("channel_types", BELOW, |n| {
        program(
            "",
            &format!("var x {}int\nvar y any = x\n_ = y", "chan ".repeat(n)),
        )
    }),
    ("function_types", BELOW, |n| {
        program(
            "",
            &format!(
                "var x {}\nvar y any = x\n_ = y",
                nest(n, "func(", "int", ")")
            ),
        )
    }),
    ("struct_types", BELOW, |n| {
        program(
            "",
            &format!(
                "var x {}\nvar y any = x\n_ = y == y",
                nest(n, "struct{ a ", "int", "}")
            ),
        )
    }),
    ("interface_types", BELOW, |n| {
        program(
            "",
            &format!(
                "var x {}\nvar y any = x\n_ = y",
                nest(n, "interface{ m() ", "int", "}")
            ),
        )
    }),
    ("selectors", BELOW, |n| {
        program(
            "type T struct{ b *T }\nvar a = new(T)",
            &format!("a.b = a\nx := a{}\n_ = x", ".b".repeat(n)),
        )
    }),
    ("calls", BELOW, |n| {
        program(
            "type F func() F\nfunc f() F { return f }",
            &format!("f{}", "()".repeat(n)),
        )
    }),
    ("methods", BELOW, |n| {
        program(
            "type T struct{}\nfunc (t T) m() T { return t }",
            &format!("T{{}}{}", ".m()".repeat(n)),
        )
    }),
    ("arguments", BELOW, |n| {
        program(
            "func f(x int) int { return x }",
            &format!("println({})", nest(n, "f(", "1", ")")),
        )
    }),
    ("conversions", BELOW, |n| {
        program("", &format!("println({})", nest(n, "int(", "1", ")")))
    }),
    ("labels", BELOW, |n| {
        let labels = (0..n).fold(String::new(), |mut text, i| {
            let _ = write!(text, "L{i}: ");
            text
        });
        let uses = (0..n).fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "goto L{i}");
            text
        });
        program("", &format!("if false {{\n{labels}\n}}\nreturn\n{uses}"))
    }),
];

#[test]
fn what_is_nested_deeply_works() {
    for (name, depth, shape) in NESTED {
        let (code, stderr) = run(name, &shape(*depth));
        let is_label = *name == "labels";
        assert_eq!(
            code,
            i32::from(is_label),
            "{name}: {}",
            stderr.chars().take(300).collect::<String>()
        );
    }
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    for (name, _, shape) in NESTED {
        let (code, stderr) = run(name, &shape(ABOVE));
        assert_eq!(code, 1, "{name}");
        assert!(
            stderr.contains("nested too deeply"),
            "{name}: {}",
            stderr.chars().take(300).collect::<String>()
        );
    }
}

/// One declaration for each number below `n`, the last first; each may use the one of the number before.
fn chain(n: usize, declaration: impl Fn(usize) -> String) -> String {
    (1..n).rev().map(declaration).collect()
}

/// Programs that are long, not deep.
const CHAINED: &[(&str, usize, Shape)] = &[
    ("constants", ABOVE, |n| {
        program(
            &chain(n, |i| format!("const a{i} = a{}+1\n", i - 1)),
            "const a0 = 0",
        )
        .replace("func main() {\nconst a0 = 0", "const a0 = 0\nfunc main() {")
    }),
    ("variables", ABOVE, |n| {
        program(
            &format!(
                "{}var a0 = 0",
                chain(n, |i| format!("var a{i} = a{}+1\n", i - 1))
            ),
            "",
        )
    }),
    ("types", ABOVE, |n| {
        program(
            &format!(
                "{}type a0 int",
                chain(n, |i| format!("type a{i} a{}\n", i - 1))
            ),
            &format!("var x a{}\n_ = x", n - 1),
        )
    }),
    ("aliases", ABOVE, |n| {
        program(
            &format!(
                "{}type a0 = int",
                chain(n, |i| format!("type a{i} = a{}\n", i - 1))
            ),
            &format!("var x a{}\n_ = x", n - 1),
        )
    }),
    ("structs", ABOVE, |n| {
        program(
            &format!(
                "{}type a0 int",
                chain(n, |i| format!("type a{i} struct {{ f a{} }}\n", i - 1))
            ),
            &format!("var x, y a{}\n_ = x == y\nvar z any = x\n_ = z", n - 1),
        )
    }),
    ("pointers", ABOVE, |n| {
        program(
            &format!(
                "{}type a0 int",
                chain(n, |i| format!("type a{i} struct {{ f *a{} }}\n", i - 1))
            ),
            &format!("var z any = new(a{})\n_ = z", n - 1),
        )
    }),
    ("embedded", ABOVE, |n| {
        program(
            &format!(
                "{}type a0 struct {{ f int }}",
                chain(n, |i| format!("type a{i} struct {{ a{} }}\n", i - 1))
            ),
            &format!("var x a{}\n_ = x.f", n - 1),
        )
    }),
    ("interfaces", ABOVE, |n| {
        program(
            &format!(
                "{}type a0 interface {{ m() }}",
                chain(n, |i| format!("type a{i} interface {{ a{} }}\n", i - 1))
            ),
            &format!("var x a{}\n_ = x", n - 1),
        )
    }),
    ("functions", ABOVE, |n| {
        program(
            &format!(
                "var v = f{}()\n{}func f0() int {{ return 1 }}",
                n - 1,
                chain(n, |i| format!(
                    "func f{i}() int {{ return f{}() }}\n",
                    i - 1
                ))
            ),
            "println(v)",
        )
    }),
    ("cases", ABOVE, |n| {
        program(
            "",
            &format!(
                "switch x := 3; x {{\n{}}}",
                chain(n, |i| format!("case {i}:\n"))
            ),
        )
    }),
    ("case_list", ABOVE, |n| {
        program(
            "",
            &format!(
                "switch x := 3; x {{\ncase {}0:\n}}",
                chain(n, |i| format!("{i},"))
            ),
        )
    }),
    ("statements", ABOVE, |n| {
        program("", &format!("x := 0\n{}", "x++\n".repeat(n)))
    }),
    ("elements", ABOVE, |n| {
        program("", &format!("x := []int{{{}}}\n_ = x", "1,".repeat(n)))
    }),
    ("fields", ABOVE, |n| {
        program(
            &format!(
                "type T struct {{\n{}}}",
                chain(n, |i| format!("f{i} int\n"))
            ),
            "var t T\n_ = t",
        )
    }),
    ("comment", ABOVE, |n| {
        program(&format!("/*{}*/", "x".repeat(n * 100)), "")
    }),
    ("string", ABOVE, |n| {
        program("", &format!("println(len(\"{}\"))", "x".repeat(n * 100)))
    }),
];

#[test]
fn what_is_long_works() {
    for (name, count, shape) in CHAINED {
        let (code, stderr) = run(name, &shape(*count));
        assert_eq!(
            code,
            0,
            "{name}: {}",
            stderr.chars().take(300).collect::<String>()
        );
    }
}

/// More than a machine can hold: refused in few words.
#[test]
fn what_is_too_large_is_refused() {
    let locals = |n: usize, value: &str| chain(n, |i| format!("a{i} := {value}\n_ = a{i}\n"));
    let uses = |n: usize| chain(n, |i| format!("_ = a{i}\n"));
    let call = "func f(n int) string {\n\tif n > 0 {\n\t\treturn f(n - 1)\n\t}\n\treturn \"\"\n}";
    for (name, source, expected) in [
        (
            "locals",
            program("", &locals(100_000, "1")),
            "needs too many registers",
        ),
        (
            "live",
            program(call, &format!("{}{}", locals(14_000, "f(1)"), uses(14_000))),
            "has too many variables and calls",
        ),
        ("open", program("", &"(".repeat(ABOVE)), "nested too deeply"),
        (
            "mixed",
            program("", &format!("x := {}", "f(a[T{".repeat(ABOVE))),
            "nested too deeply",
        ),
        (
            "errors",
            program("", &"x = 1\n".repeat(ABOVE)),
            "too many errors",
        ),
        (
            "shifts",
            program("", &format!("const x = 1{}", "<<500".repeat(BELOW))),
            "overflow",
        ),
        (
            "digits",
            program("", &format!("const x = {}", "9".repeat(ABOVE))),
            "excessively long constant",
        ),
        (
            "elements",
            program("", "x := [][]int{1_000_000_000: nil}\n_ = x"),
            "is too large",
        ),
        (
            "nested",
            program("", "x := [][8]string{1_000_000_000: {7: \"\"}}\n_ = x"),
            "is too large",
        ),
        (
            "nothings",
            program("", "var a [1 << 40]struct{}\nfor range a {\n}"),
            "is too large",
        ),
        (
            "nothing",
            program("", "x := []struct{}{1 << 33: {}}\n_ = x"),
            "is too large",
        ),
    ] {
        let (code, stderr) = run(name, &source);
        assert_eq!(code, 1, "{name}");
        let head: String = stderr.chars().take(2000).collect();
        assert!(head.contains(expected), "{name}: {head}");
    }
}
