//! The table of diagnostic codes.
//!
//! To add one, add a row: its doc comment is what `golite explain` prints, with an example below `Example:`.
//! `E00xx` is syntax, `E01xx` declarations and names, `E02xx` statements, `E03xx` types and expressions,
//! `E04xx` constants, `E05xx` type parameters, `E09xx` what golite does not know yet.

macro_rules! codes {
    ($($(#[doc = $line:literal])* $name:ident = $code:literal, $title:literal;)*) => {
        /// Names one kind of error.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $($(#[doc = $line])* $name,)*
        }

        impl Code {
            /// Every row.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// `E0202`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// A few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The explanation with its example.
            #[must_use]
            pub fn explanation(self) -> String {
                let lines: &[&str] = match self { $(Code::$name => &[$($line),*],)* };
                lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
            }

            /// What `golite explain` prints.
            #[must_use]
            pub fn page(self) -> String {
                format!("{}: {}\n\n{}\n", self.as_str(), self.title(), self.explanation().trim())
            }

            /// The row of `E0202`.
            #[must_use]
            pub fn find(code: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|row| row.as_str().eq_ignore_ascii_case(code))
            }
        }
    };
}

codes! {
    /// The text does not follow Go's grammar.
    ///
    /// Example:
    ///  func f() { x := }
    Syntax = "E0001", "syntax error";

    /// A character, number, rune or string literal is malformed, or a comment does not end.
    ///
    /// Example:
    ///  var x = 'ab'
    Literal = "E0002", "malformed token";

    /// An expression, type or statement is nested more than 10,000 levels deep.
    TooDeep = "E0003", "nested too deeply";

    /// A name is declared twice in one block.
    ///
    /// Example:
    ///  func f() { var x int; var x string }
    Redeclared = "E0101", "redeclared in this block";

    /// A name is not declared in this scope.
    ///
    /// Example:
    ///  func f() { x = 1 }
    Undefined = "E0102", "undefined";

    /// A package is imported and not used.
    ///
    /// Example:
    ///  import "fmt"
    UnusedImport = "E0103", "imported and not used";

    /// Packages import each other in a circle.
    ImportCycle = "E0104", "import cycle not allowed";

    /// There is no package with this import path, or the path is malformed.
    ///
    /// Example:
    ///  import "no/such/package"
    CannotImport = "E0105", "cannot import";

    /// A declaration needs itself to be complete.
    ///
    /// Example:
    ///  type T struct { t T }
    InvalidCycle = "E0106", "invalid recursive type or declaration";

    /// A package variable's initial value depends on the variable.
    ///
    /// Example:
    ///  var a = b; var b = a
    InitializationCycle = "E0107", "initialization cycle";

    /// A declaration that Go does not allow here, such as a variable `init` or a `main` with parameters.
    ///
    /// Example:
    ///  var init = 1
    InvalidDeclaration = "E0108", "invalid declaration";

    /// A method's receiver must be a type of the same package that is neither pointer nor interface, or a pointer to one.
    ///
    /// Example:
    ///  func (i int) double() int { return 2 * i }
    InvalidReceiver = "E0109", "invalid receiver";

    /// A function without a body; only standard packages have those.
    ///
    /// Example:
    ///  func f()
    MissingBody = "E0110", "missing function body";

    /// A name that begins with a small letter is used from another package.
    ///
    /// Example:
    ///  import "strings"; var x = strings.explode
    NotExported = "E0111", "not exported";

    /// The main package has no function `main`.
    MissingMain = "E0112", "function main is undeclared";

    /// A label is not defined, defined twice, not used, or not one that the branch may lead to.
    ///
    /// Example:
    ///  func f() { L: }
    InvalidLabel = "E0201", "invalid label";

    /// A local variable is declared and never read.
    ///
    /// Example:
    ///  func f() { x := 1 }
    UnusedVariable = "E0202", "declared and not used";

    /// The end of a function with results can be reached.
    ///
    /// Example:
    ///  func f() int { }
    MissingReturn = "E0203", "missing return";

    /// `break`, `continue` or `fallthrough` where there is nothing to leave or to fall into.
    ///
    /// Example:
    ///  func f() { break }
    MisplacedBranch = "E0204", "misplaced branch";

    /// `:=` with no new name on its left.
    ///
    /// Example:
    ///  func f() { x := 1; x := 2; _ = x }
    NoNewVariables = "E0205", "no new variables on left side of :=";

    /// A value or type occurs twice among the cases of a switch, or a switch has two defaults.
    ///
    /// Example:
    ///  func f(x int) { switch x { case 1: case 1: } }
    DuplicateCase = "E0206", "duplicate case";

    /// An expression as a statement, though it does nothing.
    ///
    /// Example:
    ///  func f(x int) { x + 1 }
    UnusedResult = "E0207", "is not used";

    /// The condition of `if` or `for` is not a boolean.
    ///
    /// Example:
    ///  func f(x int) { if x { } }
    InvalidCondition = "E0208", "non-boolean condition";

    /// `range` over what has no elements, or with too many variables.
    ///
    /// Example:
    ///  func f(x float64) { for range x { } }
    InvalidRange = "E0209", "cannot range";

    /// A statement that Go does not allow in this form.
    ///
    /// Example:
    ///  func f(x int) { go x }
    InvalidStatement = "E0210", "invalid statement";

    /// The operands of an operator have different types.
    ///
    /// Example:
    ///  func f(a int, b string) { _ = a + b }
    MismatchedTypes = "E0301", "mismatched types";

    /// A value cannot be used where another type is wanted.
    ///
    /// Example:
    ///  var x string = 1
    CannotUse = "E0302", "cannot use";

    /// The two sides of an assignment or declaration differ in number.
    ///
    /// Example:
    ///  var a, b = 1, 2, 3
    AssignmentMismatch = "E0303", "assignment mismatch";

    /// A call with too few or too many arguments.
    ///
    /// Example:
    ///  func f(int) { f() }
    WrongArgumentCount = "E0304", "wrong number of arguments";

    /// A `return` with too few or too many values.
    ///
    /// Example:
    ///  func f() int { return 1, 2 }
    WrongResultCount = "E0305", "wrong number of return values";

    /// The type of an operand has no such operation.
    ///
    /// Example:
    ///  func f(x string) { _ = -x }
    InvalidOperation = "E0306", "invalid operation";

    /// A call of what is no function, or `...` where the function does not take it.
    ///
    /// Example:
    ///  func f(x int) { x() }
    InvalidCall = "E0307", "invalid call";

    /// A value cannot be converted to the type.
    ///
    /// Example:
    ///  func f(x string) { _ = int(x) }
    CannotConvert = "E0308", "cannot convert";

    /// The type has no field or method of this name, or none that can be reached like this.
    ///
    /// Example:
    ///  func f(x int) { _ = x.y }
    MissingFieldOrMethod = "E0309", "no such field or method";

    /// Two embedded types have a field or method of this name.
    AmbiguousSelector = "E0310", "ambiguous selector";

    /// An index or slice expression on what has no elements, or an index that is no integer or out of range.
    ///
    /// Example:
    ///  func f(x [3]int) { _ = x[5] }
    InvalidIndex = "E0311", "invalid index";

    /// A composite literal does not fit its type.
    ///
    /// Example:
    ///  var x = struct{ a, b int }{1}
    InvalidLiteral = "E0312", "invalid composite literal";

    /// A key, index or field occurs twice in a literal.
    ///
    /// Example:
    ///  var x = map[int]int{1: 1, 1: 2}
    DuplicateKey = "E0313", "duplicate key";

    /// A value of the interface can never have this type.
    ///
    /// Example:
    ///  func f(x error) { _ = x.(int) }
    ImpossibleAssertion = "E0314", "impossible type assertion";

    /// An expression stands where a type is wanted.
    ///
    /// Example:
    ///  var x = 1; var y x
    NotAType = "E0315", "is not a type";

    /// A type, a package, a builtin or a call without result stands where a value is wanted.
    ///
    /// Example:
    ///  var x = int
    NotAnExpression = "E0316", "is not an expression";

    /// A type that cannot be: a map key that cannot be compared, an array length that is no constant, and the like.
    ///
    /// Example:
    ///  var x map[[]int]string
    InvalidType = "E0317", "invalid type";

    /// `nil` where no type is known for it.
    ///
    /// Example:
    ///  var x = nil
    InvalidNil = "E0318", "use of untyped nil";

    /// The left side of an assignment is not a variable, element or field.
    ///
    /// Example:
    ///  func f() { 1 = 2 }
    CannotAssign = "E0319", "cannot assign";

    /// An argument that the builtin function does not take.
    ///
    /// Example:
    ///  var x = len(1)
    InvalidArgument = "E0320", "invalid argument";

    /// A constant is too large for its type, or altogether.
    ///
    /// Example:
    ///  var x int8 = 1000
    ConstantOverflow = "E0401", "constant overflow";

    /// A constant with a fraction where an integer is wanted.
    ///
    /// Example:
    ///  var x int = 1.5
    ConstantTruncated = "E0402", "constant truncated";

    /// Division by a constant zero.
    ///
    /// Example:
    ///  var x = 1 / 0
    DivisionByZero = "E0403", "division by zero";

    /// A shift of what is no integer, or by what is no count.
    ///
    /// Example:
    ///  var x = 1 << -1
    InvalidShift = "E0404", "invalid shift";

    /// A constant's value must be known when the program is checked.
    ///
    /// Example:
    ///  func f() int { return 1 }; const x = f()
    NotConstant = "E0405", "is not constant";

    /// The program is correct, but larger than the machine's limits: a function needs more than 65,000 registers, or a type is too large.
    TooLarge = "E0903", "too large";

    /// Part of Go that golite does not run yet.
    NotSupported = "E0901", "not supported yet";

    /// A type parameter stands where Go does not allow one.
    ///
    /// Example:
    ///  type T[P any] P
    MisplacedTypeParameter = "E0501", "misplaced type parameter";

    /// A union in a constraint has terms that overlap or that may not stand there.
    ///
    /// Example:
    ///  type C interface { int | ~int }
    InvalidUnion = "E0502", "invalid union";

    /// A generic type or function is given more or fewer type arguments than it has type parameters.
    ///
    /// Example:
    ///  type T[P any] []P; var x T[int, string]
    WrongTypeArgumentCount = "E0503", "wrong number of type arguments";

    /// A type argument is not in the type set of the constraint.
    ///
    /// Example:
    ///  func f[P ~int]() {}; func g() { f[string]() }
    UnsatisfiedConstraint = "E0504", "does not satisfy the constraint";

    /// The type arguments of a call do not follow from its arguments.
    ///
    /// Example:
    ///  func f[P any]() {}; func g() { f() }
    CannotInfer = "E0505", "cannot infer type arguments";

    /// A generic type or function is used without type arguments.
    ///
    /// Example:
    ///  type T[P any] []P; var x T
    NotInstantiated = "E0506", "not instantiated";

    /// A generic type or function uses itself with ever larger type arguments.
    ///
    /// Example:
    ///  func f[P any]() { f[*P]() }
    InstantiationCycle = "E0507", "instantiation cycle";

    /// An interface that limits its types is a constraint only; no value can have it for its type.
    ///
    /// Example:
    ///  var x interface { ~int }
    MisplacedConstraint = "E0508", "constraint outside a type parameter list";

    /// Package unsafe and C code could break the memory that golite keeps for a program; they stay refused.
    ///
    /// Example:
    ///  import "unsafe"
    Unsafe = "E0902", "refused";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_found() {
        for &code in Code::ALL {
            assert_eq!(Code::find(code.as_str()), Some(code), "{code} stands twice");
            assert!(
                !code.explanation().trim().is_empty(),
                "{code} has no explanation"
            );
        }
    }
}
