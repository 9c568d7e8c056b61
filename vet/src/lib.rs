//! What compiles and is likely a mistake: the rules of `go vet`, in its words.
//!
//! [`vet`] takes a checked program and the rules that are wanted, and gives what they find in the program's own packages. Each rule is a
//! function over a [`Context`]; [`Rule`] is the table of them.
//!
//! Trees are flat, so most rules look at all calls, all assignments and so on, one after the other, and need no walk. Whether a
//! variable is used in a part of a function is a question about places: do any of its uses lie within the part's range?
//! Only what follows the flow of control ([`flow`]) descends, with a stack that grows.
//!
//! Left out against go vet: rules about assembly, cgo and `unsafe`, which golite has not; in the rest, what
//! docs/gaps.md names.
//!
//! GO: golang.org/x/tools/go/analysis/passes
#![forbid(unsafe_code)]

mod context;
mod expressions;
mod flow;
mod format_string;
mod library;
mod locks;
mod packages;
mod printf;
mod tags;
mod testing;

use checker::TypedProgram;
pub use context::Context;
use diagnostics::{Code, Diagnostic, Diagnostics, SourceMap};
use parser::ast::{Ast, Interner};

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $in_tests:literal, $run:path;)*) => {
        /// A rule; its name is that of go vet's analyzer.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Rule {
            $($(#[doc = $doc])* $name,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),*];

            /// As flags call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$name => $text,)* }
            }

            /// What it finds, in a sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Rule::$name => concat!($($doc),*),)* }
            }

            /// Does `go test` apply it?
            #[must_use]
            pub const fn is_for_tests(self) -> bool {
                match self { $(Rule::$name => $in_tests,)* }
            }

            fn run(self, context: &mut Context<'_>) {
                match self { $(Rule::$name => $run(context),)* }
            }
        }
    };
}

rules! {
    /// append with nothing to append.
    Appends = "appends", false, expressions::appends;
    /// Assignments of a variable to itself.
    Assign = "assign", false, expressions::self_assignments;
    /// The result of an atomic addition assigned to its own variable.
    Atomic = "atomic", true, expressions::atomic;
    /// The same operand twice around && or ||, and comparisons that are always true or false.
    Bools = "bools", true, expressions::bools;
    /// Build constraints that stand where nobody reads them.
    Buildtag = "buildtag", true, packages::buildtag;
    /// Literals of structs of other packages without the names of their fields.
    Composites = "composites", false, packages::composites;
    /// Locks that are copied.
    Copylocks = "copylocks", false, locks::copylocks;
    /// time.Since in a deferred call, where it is evaluated at once.
    Defers = "defers", false, expressions::defers;
    /// Lines //go:debug that stand where nobody reads them.
    Directive = "directive", true, packages::directive;
    /// A second argument of errors.As that is no pointer to an error or interface.
    Errorsas = "errorsas", true, expressions::errorsas;
    /// Addresses for net.Dial that are made without net.JoinHostPort.
    Hostport = "hostport", false, packages::hostport;
    /// Responses of net/http that are used before the error is looked at.
    Httpresponse = "httpresponse", false, packages::httpresponse;
    /// Assertions of an interface to another that has a method of the same name and another type.
    Ifaceassert = "ifaceassert", true, library::ifaceassert;
    /// Variables of loops in function literals that run later, in files of before Go 1.22.
    Loopclosure = "loopclosure", false, packages::loopclosure;
    /// Cancel functions of contexts that are not called on all ways out.
    Lostcancel = "lostcancel", false, flow::lostcancel;
    /// Functions compared with nil.
    Nilfunc = "nilfunc", true, expressions::nilfunc;
    /// Format strings that do not fit their arguments, of Printf and its kin and of functions that hand theirs on.
    Printf = "printf", true, printf::printf;
    /// Shifts by as many bits as the operand has, or more.
    Shift = "shift", false, expressions::shift;
    /// Unbuffered channels given to signal.Notify.
    Sigchanyzer = "sigchanyzer", false, expressions::signal_channels;
    /// Keys without values, and what is no key, in calls of log/slog.
    Slog = "slog", false, packages::slog;
    /// Methods with names that packages look for, and other signatures than those.
    Stdmethods = "stdmethods", false, library::stdmethods;
    /// Integers converted to strings, which makes characters of them.
    Stringintconv = "stringintconv", true, expressions::strings_of_integers;
    /// Tags of struct fields that packages like encoding/json cannot read.
    Structtag = "structtag", false, tags::structtag;
    /// Tests that are ended by another goroutine than theirs.
    Testinggoroutine = "testinggoroutine", false, testing::testinggoroutine;
    /// Names of tests, benchmarks, fuzz tests and examples that go test does not find, or that mean nothing.
    Tests = "tests", true, testing::tests;
    /// Times formatted with the day before the month: 2006-02-01.
    Timeformat = "timeformat", false, library::timeformat;
    /// Unmarshal into what is no pointer.
    Unmarshal = "unmarshal", false, expressions::unmarshal;
    /// Code that is never reached.
    Unreachable = "unreachable", false, flow::unreachable;
    /// Calls whose only effect is a result that is not used.
    Unusedresult = "unusedresult", false, expressions::unused_results;
    /// WaitGroup.Add called by the goroutine that is waited for.
    Waitgroup = "waitgroup", false, expressions::waitgroup;
}

impl Rule {
    /// The rule of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

/// Applies rules to the program's own packages. What they find is ordered by its places.
#[must_use]
pub fn vet(
    typed: &TypedProgram,
    ast: &Ast,
    names: &Interner,
    sources: &SourceMap,
    rules: &[Rule],
) -> Diagnostics {
    let mut context = Context::new(typed, ast, names, sources);
    let mut found: Vec<Diagnostic> = Vec::new();
    for &rule in rules {
        rule.run(&mut context);
        for (range, message) in context.found.drain(..) {
            let help = format!("found by the rule {}: {}", rule.name(), rule.about());
            found.push(Diagnostic::new(Code::Suspicious, range, message).help(help));
        }
    }
    found.sort_by_key(|finding| (finding.range.file, finding.range.start));
    let mut diagnostics = Diagnostics::new();
    found
        .into_iter()
        .for_each(|finding| diagnostics.push(finding));
    diagnostics
}
