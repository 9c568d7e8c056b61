//! The tests of a package as a program: what `go test` makes of `_test` files.
//!
//! 1. The package with the test files that belong to it is loaded in its own place: whoever imports it gets that one.
//! 2. Test files of the package `NAME_test` are a package of their own, which imports the first.
//! 3. Both are searched for tests, and a main package is written that lists them and hands them to package `testing`.
//!
//! GO: cmd/go/internal/load `TestPackagesFor`, `loadTestFuncs`; go/doc `Examples`.

use super::coverage::{self, Coverage};
use super::module::Module;
use super::{Loader, Overlay, Parsed, folder, own_path};
use diagnostics::{Code, TextRange};
use parser::ast::{Ast, Decl, Expr, ExprId, FuncDecl};
use std::path::{Path, PathBuf};

/// Which tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestInput {
    /// The package's folder.
    pub folder: PathBuf,
    /// Only these files of it; all, if there are none.
    pub files: Vec<String>,
    /// The package's import path, if it does not follow from its module or its folder's name.
    pub path: Option<String>,
    /// Where else standard packages come from.
    pub overlay: Overlay,
    /// What is counted of what runs.
    pub coverage: Option<Coverage>,
}

/// The functions that package `testing` is told of.
#[derive(Default)]
struct Functions {
    tests: Vec<String>,
    benchmarks: Vec<String>,
    fuzz_targets: Vec<String>,
    examples: Vec<String>,
    /// `TestMain`, with its package.
    main: Option<String>,
    /// Is anything taken from the package itself, from its external tests?
    uses: [bool; 2],
}

/// The names under which the main package imports the other two.
const PACKAGE_NAMES: [&str; 2] = ["_test", "_xtest"];

/// The name of the file that lists the tests; it is in no folder.
pub const MAIN_FILE: &str = "_testmain.go";

/// The import path of the package in a folder whose module and path nobody named.
pub fn path_of(folder: &Path, module_cache: Option<&Path>) -> String {
    match Module::containing(folder, module_cache) {
        Some(module) => own_path(&module, folder),
        None => folder
            .file_name()
            .map_or("main".into(), |name| name.to_string_lossy())
            .into_owned(),
    }
}

/// Has a folder tests that take part on this system?
///
/// # Errors
/// Why it is no package.
pub fn has_tests(folder: &Path) -> Result<bool, String> {
    let listing = folder::list_with_tests(folder)?.not_empty(folder)?;
    Ok(listing.texts.iter().any(|text| text.test))
}

/// Is a folder one that could be a package, of sources or of tests alone?
pub fn is_package(folder: &Path) -> bool {
    folder::list_with_tests(folder).is_ok_and(|listing| !listing.texts.is_empty())
}

impl Loader<'_> {
    pub(super) fn load_tests(&mut self, input: &TestInput) {
        if let Err(message) = self.try_load_tests(input)
            && !message.is_empty()
        {
            self.loaded.failures.push(message);
        }
    }

    fn try_load_tests(&mut self, input: &TestInput) -> Result<(), String> {
        let listing = if input.files.is_empty() {
            let listing = folder::list_with_tests(&input.folder)?;
            self.edited(&input.folder, listing, true, true)
                .not_empty(&input.folder)?
        } else {
            folder::read_files(&input.files)?
        };
        let folder = input.folder.clone();
        let module = Module::containing(&folder, self.sources.module_cache);
        let path = match &input.path {
            Some(path) => path.clone(),
            None => path_of(&folder, self.sources.module_cache),
        };
        self.main_folder.clone_from(&folder);
        self.main_module.clone_from(&module);
        if let Some(problem) = self.build_list().and_then(|list| list.problem.clone()) {
            return Err(problem);
        }
        self.beside = module.is_none();
        self.overlay.clone_from(&input.overlay);
        self.tested = Some((path.clone(), folder.clone()));

        self.coverage.clone_from(&input.coverage);
        let mut texts = listing.texts;
        self.count(&mut texts, &path);
        let parsed = self.parse_texts(texts)?;
        let own_name = parsed.iter().find(|file| !file.test);
        let own_name = own_name.and_then(|file| file.package.clone());
        let is_external = |file: &Parsed| {
            file.test
                && file.package.as_ref() != own_name.as_ref()
                && file
                    .package
                    .as_ref()
                    .is_some_and(|name| name.ends_with("_test"))
        };
        let (external, own): (Vec<Parsed>, Vec<Parsed>) = parsed.into_iter().partition(is_external);
        let mut functions = Functions::default();
        let mut numbers = [None, None];
        let external_path = format!("{path}_test");
        let keys = [folder.clone(), folder.join("\0external tests")];
        let packages = [(own, path.clone()), (external, external_path.clone())];
        for (index, ((files, path), key)) in packages.into_iter().zip(keys).enumerate() {
            if files.is_empty() {
                continue;
            }
            for file in files.iter().filter(|file| file.test) {
                self.collect(file, index, &mut functions);
            }
            let frame = self.frame(key, folder.clone(), module.clone(), path.clone(), files)?;
            numbers[index] = Some(self.follow(frame, path));
        }
        if !self.loaded.failures.is_empty() || !self.loaded.problems.is_empty() {
            return Err(String::new());
        }
        let module_path = module
            .as_ref()
            .map_or(String::new(), |module| module.path.clone());
        let imports = [
            numbers[0].map(|_| path.as_str()),
            numbers[1].map(|_| external_path.as_str()),
        ];
        let mut text = main_text(&functions, imports, &path, &module_path);
        if let Some(coverage) = &input.coverage {
            let loaded = self.loaded.packages.iter();
            let loaded = loaded.map(|package| package.path.clone()).collect();
            text.push_str(&format!(
                "\nfunc init() {{\n{}}}\n",
                coverage::main_part(coverage, &loaded)
            ));
            text = text.replacen(
                "import (\n",
                "import (\n\tgoliteCoverage \"testing/internal/coverage\"\n",
                1,
            );
        }
        let text = folder::Text {
            file: MAIN_FILE.to_owned(),
            shown: MAIN_FILE.to_owned(),
            text,
            test: false,
        };
        let parsed = self.parse_texts(vec![text])?;
        let key = folder.join("\0test program");
        let mut frame = self.frame(key, folder, module, "main".to_owned(), parsed)?;
        frame.generated = true;
        for import in &mut frame.pending {
            for (wanted, number) in imports.iter().zip(numbers) {
                if *wanted == Some(import.path.as_str())
                    && let Some(number) = number
                {
                    frame.imports.insert(import.range, number);
                }
            }
        }
        let taken = &frame.imports;
        frame
            .pending
            .retain(|import| !taken.contains_key(&import.range));
        self.follow(frame, "main".to_owned());
        Ok(())
    }

    /// Notes a file's test functions, and reports those that only look like some.
    fn collect(&mut self, file: &Parsed, package: usize, functions: &mut Functions) {
        let mut problems: Vec<(TextRange, String)> = Vec::new();
        let loaded = &self.loaded;
        for declaration in &file.file.decls {
            let Decl::Func(function) = *loaded.ast.decl(*declaration) else {
                continue;
            };
            let Some(name) = loaded.ast.ident(function.name) else {
                continue;
            };
            let name = loaded.names.text(name);
            if function.receiver.is_some() {
                continue;
            }
            let full = format!("{}.{name}", PACKAGE_NAMES[package]);
            let row = format!("\t{{{}, {full}}},\n", quoted(name));
            let takes = |letter: &str| takes_only(&loaded.ast, &loaded.names, &function, letter);
            let mut check = |letter: &str| {
                let problem = if !function.type_params.is_empty() {
                    format!(
                        "wrong signature for {name}, test functions cannot have type parameters"
                    )
                } else if !takes(letter) {
                    let parameter = letter.to_lowercase();
                    format!(
                        "wrong signature for {name}, must be: func {name}({parameter} *testing.{letter})"
                    )
                } else {
                    return true;
                };
                problems.push((loaded.ast.decl_range(*declaration), problem));
                false
            };
            let used = &mut functions.uses[package];
            if name == "TestMain" && !takes("T") {
                if !check("M") {
                    continue;
                }
                if functions.main.is_some() {
                    let message = "multiple definitions of TestMain".to_owned();
                    problems.push((loaded.ast.decl_range(*declaration), message));
                    continue;
                }
                functions.main = Some(full);
                *used = true;
            } else if is_test_name(name, "Test") {
                if check("T") {
                    functions.tests.push(row);
                    *used = true;
                }
            } else if is_test_name(name, "Benchmark") {
                if check("B") {
                    functions.benchmarks.push(row);
                    *used = true;
                }
            } else if is_test_name(name, "Fuzz") {
                if check("F") {
                    functions.fuzz_targets.push(row);
                    *used = true;
                }
            } else if is_test_name(name, "Example")
                && is_plain(&loaded.ast, &function)
                && let Some(body) = function.body
            {
                let body = loaded.ast.block(body).range;
                let Some(output) = expected_output(loaded.sources.text(body.file), body) else {
                    continue;
                };
                functions.examples.push(format!(
                    "\t{{{}, {full}, {}, {}}},\n",
                    quoted(name),
                    quoted(&output.text),
                    output.unordered
                ));
                *used = true;
            }
        }
        for (range, message) in problems {
            self.loaded
                .problems
                .report(Code::CannotImport, range, message);
        }
    }
}

/// Is it the prefix, and nothing or no small letter behind?
fn is_test_name(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| !rest.chars().next().is_some_and(char::is_lowercase))
}

/// Has a function no parameters, no results, no type parameters?
fn is_plain(ast: &Ast, function: &FuncDecl) -> bool {
    matches!(ast.expr(function.ty), Expr::FuncType { params, results }
        if params.is_empty() && results.is_empty() && function.type_params.is_empty())
}

/// Is `*T` or `*testing.T` all that a function takes, and has it no results? GO: cmd/go/internal/load `isTestFunc`.
fn takes_only(ast: &Ast, names: &parser::ast::Interner, function: &FuncDecl, letter: &str) -> bool {
    let Expr::FuncType { params, results } = *ast.expr(function.ty) else {
        return false;
    };
    let [parameter] = ast.list(params) else {
        return false;
    };
    if !results.is_empty() || parameter.variadic.is_some() {
        return false;
    }
    let is_named = |id: ExprId| ast.ident(id).is_some_and(|name| names.text(name) == letter);
    match *ast.expr(parameter.ty) {
        Expr::Star(operand) => match *ast.expr(operand) {
            Expr::Selector { name, .. } => is_named(name),
            _ => is_named(operand),
        },
        _ => false,
    }
}

/// What an example should print.
#[derive(Debug, PartialEq, Eq)]
struct Output {
    text: String,
    unordered: bool,
}

/// What the last comment in a body says that is to be printed, if it says so.
fn expected_output(text: &str, body: TextRange) -> Option<Output> {
    let body = text.get(body.start as usize..body.end as usize)?;
    let comments = lexer::lex(body).comments;
    // Comments with at most a line end between them are one.
    let mut first = comments.len().checked_sub(1)?;
    while first > 0 {
        let between = &body[comments[first - 1].end as usize..comments[first].start as usize];
        if !between.trim().is_empty() || between.matches('\n').count() > 1 {
            break;
        }
        first -= 1;
    }
    let mut lines: Vec<&str> = Vec::new();
    for comment in &comments[first..] {
        let comment = &body[comment.start as usize..comment.end as usize];
        match comment.strip_prefix("//") {
            Some(line) => lines.push(line.strip_prefix(' ').unwrap_or(line)),
            None => {
                let inside = comment.strip_prefix("/*").unwrap_or(comment);
                lines.extend(inside.strip_suffix("*/").unwrap_or(inside).split('\n'));
            }
        }
    }
    let mut said = String::new();
    for line in lines.iter().map(|line| line.trim_end()) {
        // Several empty lines count as one, and none at the beginning.
        if line.is_empty() && (said.is_empty() || said.ends_with("\n\n")) {
            continue;
        }
        said.push_str(line);
        said.push('\n');
    }
    if said.ends_with("\n\n") {
        said.pop();
    }
    let rest = said.trim_start();
    let (rest, unordered) = match without_prefix(rest, "unordered ") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let rest = without_prefix(rest, "output:")?.trim_start_matches(' ');
    Some(Output {
        text: rest.strip_prefix('\n').unwrap_or(rest).to_owned(),
        unordered,
    })
}

/// The text behind a prefix in whatever case.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// The text of the main package.
fn main_text(
    functions: &Functions,
    imports: [Option<&str>; 2],
    path: &str,
    module: &str,
) -> String {
    let mut text =
        "package main\n\nimport (\n\t\"os\"\n\t\"testing\"\n\t\"testing/internal/testdeps\"\n"
            .to_owned();
    for ((import, name), used) in imports.into_iter().zip(PACKAGE_NAMES).zip(functions.uses) {
        if let Some(import) = import {
            let name = if used { name } else { "_" };
            text.push_str(&format!("\t{name} {}\n", quoted(import)));
        }
    }
    text.push_str(")\n");
    for (name, kind, rows) in [
        ("tests", "Test", &functions.tests),
        ("benchmarks", "Benchmark", &functions.benchmarks),
        ("fuzzTargets", "FuzzTarget", &functions.fuzz_targets),
        ("examples", "Example", &functions.examples),
    ] {
        text.push_str(&format!(
            "\nvar {name} = []testing.Internal{kind}{{\n{}}}\n",
            rows.concat()
        ));
    }
    text.push_str(&format!(
        "\nfunc init() {{\n\ttestdeps.ModulePath = {}\n\ttestdeps.ImportPath = {}\n}}\n",
        quoted(module),
        quoted(path)
    ));
    text.push_str("\nfunc main() {\n\tm := testing.MainStart(testdeps.TestDeps{}, tests, benchmarks, fuzzTargets, examples)\n");
    match &functions.main {
        Some(main) => text.push_str(&format!("\t{main}(m)\n\tos.Exit(testdeps.ExitCode)\n}}\n")),
        None => text.push_str("\tos.Exit(m.Run())\n}\n"),
    }
    text
}

/// A text as a literal of Go.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod unit_tests {
    use super::*;
    use diagnostics::SourceMap;

    fn output(body: &str) -> Option<(String, bool)> {
        let id = SourceMap::new().add("a.gl", body).expect("it is small");
        let range = TextRange::new(id, 0, body.len() as u32);
        expected_output(body, range).map(|output| (output.text, output.unordered))
    }

    #[test]
    fn an_example_says_its_output_in_its_last_comment() {
        let some = |text: &str, unordered| Some((text.to_owned(), unordered));
        assert_eq!(output("{\n\tf()\n\t// Output: a\n}"), some("a\n", false));
        assert_eq!(
            output("{\n\tf()\n\n\t// OUTPUT:\n\t// a\n\t//   b\n\t//\n\t//\n\t// c\n}"),
            some("a\n  b\n\nc\n", false)
        );
        assert_eq!(
            output("{\n\t// Unordered output: a\n\t// b\n}"),
            some("a\nb\n", true)
        );
        assert_eq!(
            output("{\n\t/*\n\tOutput:\n\ta */\n}"),
            some("\ta\n", false)
        );
        assert_eq!(output("{\n\t// Output:\n}"), some("", false));
        assert_eq!(output("{\n\t// Output: a\n\n\t// more\n}"), None);
        assert_eq!(output("{\n\tf(\"// Output: a\")\n}"), None);
        assert_eq!(output("{ f() }"), None);
    }

    #[test]
    fn names_of_tests_go_on_with_a_capital_letter() {
        assert!(is_test_name("Test", "Test"));
        assert!(is_test_name("Test_x", "Test"));
        assert!(is_test_name("TestÄrger", "Test"));
        assert!(!is_test_name("Testing", "Test"));
        assert!(!is_test_name("Toast", "Test"));
    }
}
