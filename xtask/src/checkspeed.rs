//! How long `golite check` takes for generated programs, and whether the time grows with the text: `cargo xtask checkspeed GOLITE [SHAPE]`.
//!
//! The shape `program` is code as people write it; the others repeat one thing very often, which must not take more than its share
//! of the time either. Each is checked at two sizes, one four times the other: a factor far above four says that something is quadratic.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::Command;

/// What a shape is made by: a number of repetitions gives a text.
struct Shape {
    name: &'static str,
    /// Repetitions at the smaller size.
    count: usize,
    make: fn(usize) -> String,
}

/// More than this many times as long for four times the text is reported.
const MOST_GROWTH: f64 = 8.0;

/// Times shorter than this say nothing.
const LEAST_SECONDS: f64 = 0.1;

const SHAPES: &[Shape] = &[
    Shape {
        name: "program",
        count: 75_000,
        make: program,
    },
    Shape {
        name: "aliases",
        count: 20_000,
        make: |n| {
            package(
                each(n, |i| format!("type A{i} = A{}\n", i + 1))
                    + &format!("type A{n} = int\nvar x A0\n"),
            )
        },
    },
    Shape {
        name: "definitions",
        count: 20_000,
        make: |n| {
            package(
                each(n, |i| format!("type A{i} A{}\n", i + 1))
                    + &format!("type A{n} int\nvar x A0\n"),
            )
        },
    },
    Shape {
        name: "nested structs",
        count: 20_000,
        make: |n| {
            package(
                each(n, |i| format!("type A{i} struct {{ f A{} }}\n", i + 1))
                    + &format!("type A{n} int\nvar x A0\n"),
            )
        },
    },
    Shape {
        name: "nested pointers",
        count: 20_000,
        make: |n| {
            package(
                each(n, |i| format!("type A{i} struct {{ f *A{} }}\n", i + 1))
                    + &format!("type A{n} int\nvar x A0\n"),
            )
        },
    },
    Shape {
        name: "embedding",
        count: 1_000,
        make: |n| {
            let types = each(n, |i| {
                format!("type A{i} struct {{ A{}; f{i} int }}\n", i + 1)
            });
            package(
                types
                    + &format!(
                        "type A{n} struct {{ last int }}\nfunc f(x A0) int {{ return x.last + x.f{} }}\n",
                        n / 2
                    ),
            )
        },
    },
    Shape {
        name: "embedded pointers",
        count: 1_000,
        make: |n| {
            let types = each(n, |i| {
                format!("type A{i} struct {{ *A{}; f{i} int }}\n", i + 1)
            });
            package(
                types
                    + &format!(
                        "type A{n} struct {{ last int }}\nfunc f(x A0) int {{ return x.last + x.f{} }}\n",
                        n / 2
                    ),
            )
        },
    },
    Shape {
        name: "embedded interfaces",
        count: 1_000,
        make: |n| {
            let types = each(n, |i| {
                format!("type A{i} interface {{ A{}; m{i}() }}\n", i + 1)
            });
            package(
                types + &format!("type A{n} interface {{ last() }}\nfunc f(x A0) {{ x.last() }}\n"),
            )
        },
    },
    Shape {
        name: "wide embedding",
        count: 5_000,
        make: |n| {
            let types = each(n, |i| format!("type A{i} struct {{ f{i} int }}\n"));
            let fields = each(n, |i| format!("\tA{i}\n"));
            let uses = each(n, |i| format!("\t_ = x.f{i}\n"));
            package(format!(
                "{types}type All struct {{\n{fields}}}\nfunc f(x All) {{\n{uses}}}\n"
            ))
        },
    },
    Shape {
        name: "cases",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f(x int) int {{\n\tswitch x {{\n{}\t}}\n\treturn 0\n}}\n",
                each(n, |i| format!("\tcase {i}:\n\t\treturn {i}\n"))
            ))
        },
    },
    Shape {
        name: "case values",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f(x int) int {{\n\tswitch x {{\n\tcase -1{}:\n\t}}\n\treturn 0\n}}\n",
                each(n, |i| format!(", {i}"))
            ))
        },
    },
    Shape {
        name: "type cases",
        count: 5_000,
        make: |n| {
            let types = each(n, |i| format!("type A{i} struct {{ f{i} int }}\n"));
            let cases = each(n, |i| format!("\tcase A{i}:\n\t\treturn x.f{i}\n"));
            package(format!(
                "{types}func f(x any) int {{\n\tswitch x := x.(type) {{\n{cases}\t}}\n\treturn 0\n}}\n"
            ))
        },
    },
    Shape {
        name: "arguments",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f() {{\n\tprintln(0{})\n}}\n",
                each(n, |i| format!(", {i}"))
            ))
        },
    },
    Shape {
        name: "variadic arguments",
        count: 50_000,
        make: |n| {
            package(format!(
                "func g(x ...any) {{}}\nfunc f() {{\n\tg(0{})\n}}\n",
                each(n, |i| format!(", {i}"))
            ))
        },
    },
    Shape {
        name: "constants",
        count: 50_000,
        make: |n| {
            package(format!(
                "const (\n\tC = iota\n{})\n",
                each(n, |i| format!("\tC{i}\n"))
            ))
        },
    },
    Shape {
        name: "constant chain",
        count: 20_000,
        make: |n| {
            package(
                each(n, |i| format!("const C{i} = C{} + 1\n", i + 1))
                    + &format!("const C{n} = 0\n"),
            )
        },
    },
    Shape {
        name: "variables",
        count: 20_000,
        make: |n| {
            package(
                each(n, |i| format!("var v{i} = v{} + 1\n", i + 1)) + &format!("var v{n} = 0\n"),
            )
        },
    },
    Shape {
        name: "variables and functions",
        count: 5_000,
        make: |n| {
            let functions = each(n, |i| {
                format!(
                    "var v{i} = f{i}()\nfunc f{i}() int {{ return f{}() }}\n",
                    i + 1
                )
            });
            package(functions + &format!("var w = f0()\nfunc f{n}() int {{ return 0 }}\n"))
        },
    },
    Shape {
        name: "locals",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f() int {{\n\tv := 0\n{}\treturn v{}\n}}\n",
                each(n, |i| format!("\tv{i} := v\n\tv = v{i}\n")),
                n - 1
            ))
        },
    },
    Shape {
        name: "sum",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f(a, b int) int {{\n\treturn a{}\n}}\n",
                each(n, |_| " +\n\t\tb".to_owned())
            ))
        },
    },
    Shape {
        name: "constant sum",
        count: 50_000,
        make: |n| {
            package(format!(
                "const c = 1{}\n",
                each(n, |_| " +\n\t1".to_owned())
            ))
        },
    },
    Shape {
        name: "constant product",
        count: 400,
        make: |n| {
            package(format!(
                "const c = 1.5{}\n",
                each(n, |_| " *\n\t1.001".to_owned())
            ))
        },
    },
    Shape {
        name: "strings",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f(s string) string {{\n\treturn s{}\n}}\n",
                each(n, |_| " +\n\t\t\"text\"".to_owned())
            ))
        },
    },
    Shape {
        name: "constant strings",
        count: 50_000,
        make: |n| {
            package(format!(
                "const c = \"\"{}\n",
                each(n, |_| " +\n\t\"text\"".to_owned())
            ))
        },
    },
    Shape {
        name: "conditions",
        count: 50_000,
        make: |n| {
            package(format!(
                "func f(a, b bool) bool {{\n\treturn a{}\n}}\n",
                each(n, |_| " &&\n\t\tb".to_owned())
            ))
        },
    },
    Shape {
        name: "slice literal",
        count: 50_000,
        make: |n| {
            package(format!(
                "var s = []int{{\n{}}}\n",
                each(n, |i| format!("\t{i},\n"))
            ))
        },
    },
    Shape {
        name: "struct literals",
        count: 20_000,
        make: |n| {
            package(format!(
                "type T struct {{ a int; b string }}\nvar s = []T{{\n{}}}\n",
                each(n, |i| format!("\t{{a: {i}, b: \"x\"}},\n"))
            ))
        },
    },
    Shape {
        name: "map literal",
        count: 50_000,
        make: |n| {
            package(format!(
                "var m = map[string]int{{\n{}}}\n",
                each(n, |i| format!("\t\"k{i}\": {i},\n"))
            ))
        },
    },
    Shape {
        name: "fields",
        count: 20_000,
        make: |n| {
            let fields = each(n, |i| format!("\tf{i} int\n"));
            let uses = each(n, |i| format!("\tt.f{i} = {i}\n"));
            package(format!(
                "type T struct {{\n{fields}}}\nfunc f(t *T) {{\n{uses}}}\n"
            ))
        },
    },
    Shape {
        name: "keyed fields",
        count: 20_000,
        make: |n| {
            let fields = each(n, |i| format!("\tf{i} int\n"));
            let uses = each(n, |i| format!("\tf{i}: {i},\n"));
            package(format!(
                "type T struct {{\n{fields}}}\nvar t = T{{\n{uses}}}\n"
            ))
        },
    },
    Shape {
        name: "methods",
        count: 10_000,
        make: |n| {
            let methods = each(n, |i| {
                format!("func (t T) m{i}() {{ t.m{}() }}\n", (i + 1) % n)
            });
            let wanted = each(n, |i| format!("\tm{i}()\n"));
            package(format!(
                "type T struct {{ f int }}\n{methods}type I interface {{\n{wanted}}}\nvar i I = T{{}}\n"
            ))
        },
    },
    Shape {
        name: "functions",
        count: 50_000,
        make: |n| {
            package(each(n, |i| {
                format!("func f{i}() {{ f{}() }}\n", (i + 1) % n)
            }))
        },
    },
    Shape {
        name: "instances",
        count: 5_000,
        make: |n| {
            let types = each(n, |i| {
                format!("type A{i} struct {{ f L[A{}] }}\n", (i + 1) % n)
            });
            let uses = each(n, |i| format!("\tg(A{i}{{}})\n"));
            package(format!(
                "type L[T any] struct {{ next *L[T]; t *T }}\nfunc g[T any](t T) L[T] {{ return L[T]{{}} }}\n{types}func f() {{\n{uses}}}\n"
            ))
        },
    },
    Shape {
        name: "closures",
        count: 10_000,
        make: |n| {
            package(format!(
                "func f() {{\n\tx := 0\n{}}}\n",
                each(n, |i| format!(
                    "\tf{i} := func() int {{ x++; return x }}\n\tf{i}()\n"
                ))
            ))
        },
    },
    Shape {
        name: "else ifs",
        count: 5_000,
        make: |n| {
            package(format!(
                "func f(x int) int {{\n\tif x < 0 {{\n\t\treturn 0\n\t}}{}\n\treturn 1\n}}\n",
                each(n, |i| format!(" else if x == {i} {{\n\t\treturn {i}\n\t}}"))
            ))
        },
    },
    Shape {
        name: "labels",
        count: 10_000,
        make: |n| {
            package(format!(
                "func f(x int) {{\n{}L{n}:\n}}\n",
                each(n, |i| format!(
                    "L{i}:\n\tif x == {i} {{\n\t\tgoto L{}\n\t}}\n",
                    i + 1
                ))
            ))
        },
    },
    Shape {
        name: "forward gotos",
        count: 10_000,
        make: |n| {
            package(format!(
                "func f(x int) {{\n{}{}}}\n",
                each(n, |i| format!("\tif x == {i} {{\n\t\tgoto L{i}\n\t}}\n")),
                each(n, |i| format!("L{i}:\n\tx++\n"))
            ))
        },
    },
    Shape {
        name: "selectors",
        count: 50_000,
        make: |n| {
            package(format!(
                "type T struct {{ next *T }}\nfunc f(t *T) *T {{\n\treturn t{}\n}}\n",
                each(n, |_| ".\n\t\tnext".to_owned())
            ))
        },
    },
    Shape {
        name: "imported names",
        count: 50_000,
        make: |n| {
            format!(
                "package main\n\nimport \"strings\"\n\nfunc f(s string) {{\n{}}}\nfunc main() {{}}\n",
                each(n, |_| "\t_ = strings.ToUpper(s)\n".to_owned())
            )
        },
    },
    Shape {
        name: "unused variables",
        count: 10_000,
        make: |n| {
            package(format!(
                "func f() {{\n{}}}\n",
                each(n, |i| format!("\tv{i} := 0\n"))
            ))
        },
    },
    Shape {
        name: "undefined names",
        count: 10_000,
        make: |n| {
            package(format!(
                "func f() {{\n{}}}\n",
                each(n, |i| format!("\tu{i}()\n"))
            ))
        },
    },
    Shape {
        name: "type errors",
        count: 10_000,
        make: |n| {
            package(format!(
                "func f() {{\n{}}}\n",
                each(n, |i| format!("\tvar v{i} int = \"x\"\n\t_ = v{i}\n"))
            ))
        },
    },
    Shape {
        name: "redeclarations",
        count: 10_000,
        make: |n| package(each(n, |_| "type T int\n".to_owned())),
    },
    Shape {
        name: "syntax errors",
        count: 10_000,
        make: |n| package(each(n, |i| format!("func f{i}() {{ x := }}\n"))),
    },
    Shape {
        name: "implementations",
        count: 2_000,
        make: |n| {
            let types = each(n, |i| {
                format!("type A{i} struct{{}}\nfunc (A{i}) m() {{}}\n")
            });
            let uses = each(n, |i| format!("\tuse(A{i}{{}})\n"));
            package(format!(
                "type I interface {{ m() }}\nfunc use(I) {{}}\n{types}func f() {{\n{uses}}}\n"
            ))
        },
    },
    Shape {
        name: "results",
        count: 2_000,
        make: |n| {
            package(format!(
                "func f() ({}) {{\n\treturn 0{}\n}}\n",
                each(n, |i| if i == 0 {
                    "int".to_owned()
                } else {
                    ", int".to_owned()
                }),
                each(n - 1, |i| format!(", {i}"))
            ))
        },
    },
];

fn package(text: String) -> String {
    format!("package main\n\n{text}\nfunc main() {{}}\n")
}

fn each(n: usize, make: impl Fn(usize) -> String) -> String {
    (0..n).map(make).collect()
}

/// About `lines` lines of code as people write it: types with methods, maps and slices, generic helpers, closures, errors.
fn program(lines: usize) -> String {
    const UNIT: &str = include_str!("checkspeed_unit.txt");
    let mut text = String::from(
        "package main\n\nimport (\n\t\"errors\"\n\t\"fmt\"\n\t\"sort\"\n\t\"strings\"\n)\n",
    );
    let units = lines / UNIT.lines().count();
    for index in 0..units.max(1) {
        text.push_str(&UNIT.replace('@', &index.to_string()));
    }
    let _ = write!(text, "\nfunc main() {{\n");
    for index in 0..units.max(1) {
        let _ = writeln!(text, "\trun{index}()");
    }
    text.push_str("}\n");
    text
}

/// Measures the shapes whose name contains `filter`; gives the number of those that grow too fast.
///
/// # Errors
/// A file cannot be written, or golite cannot be run.
pub fn run(golite: &Path, filter: &str) -> io::Result<usize> {
    let golite = &golite.canonicalize()?;
    let folder = std::env::temp_dir().join(format!("checkspeed{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("main.gl");
    let mut wrong = 0;
    println!(
        "{:<24} {:>9} {:>9} {:>12} {:>7}",
        "shape", "lines", "seconds", "lines/minute", "growth"
    );
    for shape in SHAPES.iter().filter(|shape| shape.name.contains(filter)) {
        let mut before = 0.0;
        for count in [shape.count, 4 * shape.count] {
            let text = (shape.make)(count);
            let lines = text.lines().count();
            std::fs::write(&file, text)?;
            let seconds = processor_seconds(golite, &file)?;
            let per_minute = lines as f64 / seconds * 60.0;
            print!(
                "{:<24} {lines:>9} {seconds:>9.3} {per_minute:>12.0}",
                shape.name
            );
            if before > 0.0 {
                let growth = seconds / before;
                let bad = growth > MOST_GROWTH && seconds > LEAST_SECONDS;
                wrong += usize::from(bad);
                print!(" {growth:>7.1}{}", if bad { " too fast" } else { "" });
            }
            println!();
            before = seconds;
        }
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(wrong)
}

/// The processor time that a check takes: a busy machine does not change it much. After a minute the check is ended.
fn processor_seconds(golite: &Path, file: &Path) -> io::Result<f64> {
    let script = "ulimit -t 60; \"$0\" check \"$1\" >/dev/null 2>&1; times";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(golite)
        .arg(file)
        .output()?;
    // Two lines, of the shell and of its children: user and system time as `0m1.25s`.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = |time: &str| {
        let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    let times = text.lines().nth(1).unwrap_or("");
    let times: Option<Vec<f64>> = times.split_whitespace().map(seconds).collect();
    times
        .filter(|times| times.len() == 2)
        .map(|times| times.iter().sum())
        .ok_or_else(|| io::Error::other(format!("the shell says of times: {text}")))
}
