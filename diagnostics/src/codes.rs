//! The table of diagnostic codes.
//!
//! To add one, add a row, and its page in `docs/diagnostics`: the cause, an example, how it is mended, the example mended. `golite
//! explain` prints the page, and a test holds the examples to it.
//! `E00xx` is syntax, `E01xx` declarations and names, `E02xx` statements, `E03xx` types and expressions,
//! `E04xx` constants, `E05xx` type parameters, `E08xx` what `golite vet` finds, `E09xx` what golite does not know yet.

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

            /// The page that `golite explain` prints: cause, example, mend.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("../../docs/diagnostics/", $code, ".md")),)*
                }
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
    Syntax = "E0001", "syntax error";

    /// A character, number, rune or string literal is malformed, or a comment does not end.
    Literal = "E0002", "malformed token";

    /// An expression, type or statement is nested more than 10,000 levels deep.
    TooDeep = "E0003", "nested too deeply";

    /// A name is declared twice in one block.
    Redeclared = "E0101", "redeclared in this block";

    /// A name is not declared in this scope.
    Undefined = "E0102", "undefined";

    /// A package is imported and not used.
    UnusedImport = "E0103", "imported and not used";

    /// Packages import each other in a circle.
    ImportCycle = "E0104", "import cycle not allowed";

    /// There is no package with this import path, or the path is malformed.
    CannotImport = "E0105", "cannot import";

    /// A declaration needs itself to be complete.
    InvalidCycle = "E0106", "invalid recursive type or declaration";

    /// A package variable's initial value depends on the variable.
    InitializationCycle = "E0107", "initialization cycle";

    /// A declaration that Go does not allow here, such as a variable `init` or a `main` with parameters.
    InvalidDeclaration = "E0108", "invalid declaration";

    /// A method's receiver must be a type of the same package that is neither pointer nor interface, or a pointer to one.
    InvalidReceiver = "E0109", "invalid receiver";

    /// A function without a body; only standard packages have those.
    MissingBody = "E0110", "missing function body";

    /// A name that begins with a small letter is used from another package.
    NotExported = "E0111", "not exported";

    /// The main package has no function `main`.
    MissingMain = "E0112", "function main is undeclared";

    /// A `//go:embed` line that is malformed, or stands where there is no variable for it.
    InvalidDirective = "E0113", "invalid directive";

    /// Something is newer than the language version that `go.mod` or a `//go:build` line gives the file.
    LaterVersion = "E0114", "requires a later language version";

    /// A label is not defined, defined twice, not used, or not one that the branch may lead to.
    InvalidLabel = "E0201", "invalid label";

    /// A local variable is declared and never read.
    UnusedVariable = "E0202", "declared and not used";

    /// The end of a function with results can be reached.
    MissingReturn = "E0203", "missing return";

    /// `break`, `continue` or `fallthrough` where there is nothing to leave or to fall into.
    MisplacedBranch = "E0204", "misplaced branch";

    /// `:=` with no new name on its left.
    NoNewVariables = "E0205", "no new variables on left side of :=";

    /// A value or type occurs twice among the cases of a switch, or a switch has two defaults.
    DuplicateCase = "E0206", "duplicate case";

    /// An expression as a statement, though it does nothing.
    UnusedResult = "E0207", "is not used";

    /// The condition of `if` or `for` is not a boolean.
    InvalidCondition = "E0208", "non-boolean condition";

    /// `range` over what has no elements, or with too many variables.
    InvalidRange = "E0209", "cannot range";

    /// A statement that Go does not allow in this form.
    InvalidStatement = "E0210", "invalid statement";

    /// The operands of an operator have different types.
    MismatchedTypes = "E0301", "mismatched types";

    /// A value cannot be used where another type is wanted.
    CannotUse = "E0302", "cannot use";

    /// The two sides of an assignment or declaration differ in number.
    AssignmentMismatch = "E0303", "assignment mismatch";

    /// A call with too few or too many arguments.
    WrongArgumentCount = "E0304", "wrong number of arguments";

    /// A `return` with too few or too many values.
    WrongResultCount = "E0305", "wrong number of return values";

    /// The type of an operand has no such operation.
    InvalidOperation = "E0306", "invalid operation";

    /// A call of what is no function, or `...` where the function does not take it.
    InvalidCall = "E0307", "invalid call";

    /// A value cannot be converted to the type.
    CannotConvert = "E0308", "cannot convert";

    /// The type has no field or method of this name, or none that can be reached like this.
    MissingFieldOrMethod = "E0309", "no such field or method";

    /// Two embedded types have a field or method of this name.
    AmbiguousSelector = "E0310", "ambiguous selector";

    /// An index or slice expression on what has no elements, or an index that is no integer or out of range.
    InvalidIndex = "E0311", "invalid index";

    /// A composite literal does not fit its type.
    InvalidLiteral = "E0312", "invalid composite literal";

    /// A key, index or field occurs twice in a literal.
    DuplicateKey = "E0313", "duplicate key";

    /// A value of the interface can never have this type.
    ImpossibleAssertion = "E0314", "impossible type assertion";

    /// An expression stands where a type is wanted.
    NotAType = "E0315", "is not a type";

    /// A type, a package, a builtin or a call without result stands where a value is wanted.
    NotAnExpression = "E0316", "is not an expression";

    /// A type that cannot be: a map key that cannot be compared, an array length that is no constant, and the like.
    InvalidType = "E0317", "invalid type";

    /// `nil` where no type is known for it.
    InvalidNil = "E0318", "use of untyped nil";

    /// The left side of an assignment is not a variable, element or field.
    CannotAssign = "E0319", "cannot assign";

    /// An argument that the builtin function does not take.
    InvalidArgument = "E0320", "invalid argument";

    /// A constant is too large for its type, or altogether.
    ConstantOverflow = "E0401", "constant overflow";

    /// A constant with a fraction where an integer is wanted.
    ConstantTruncated = "E0402", "constant truncated";

    /// Division by a constant zero.
    DivisionByZero = "E0403", "division by zero";

    /// A shift of what is no integer, or by what is no count.
    InvalidShift = "E0404", "invalid shift";

    /// A constant's value must be known when the program is checked.
    NotConstant = "E0405", "is not constant";

    /// The program is correct, but larger than the machine's limits: a function needs more than 65,000 registers, or a type is too large.
    TooLarge = "E0903", "too large";

    /// Something compiles and is likely a mistake: `golite vet` found it.
    Suspicious = "E0801", "likely a mistake";

    /// Part of Go that golite does not run yet.
    NotSupported = "E0901", "not supported yet";

    /// A type parameter stands where Go does not allow one.
    MisplacedTypeParameter = "E0501", "misplaced type parameter";

    /// A union in a constraint has terms that overlap or that may not stand there.
    InvalidUnion = "E0502", "invalid union";

    /// A generic type or function is given more or fewer type arguments than it has type parameters.
    WrongTypeArgumentCount = "E0503", "wrong number of type arguments";

    /// A type argument is not in the type set of the constraint.
    UnsatisfiedConstraint = "E0504", "does not satisfy the constraint";

    /// The type arguments of a call do not follow from its arguments.
    CannotInfer = "E0505", "cannot infer type arguments";

    /// A generic type or function is used without type arguments.
    NotInstantiated = "E0506", "not instantiated";

    /// A generic type or function uses itself with ever larger type arguments.
    InstantiationCycle = "E0507", "instantiation cycle";

    /// An interface that limits its types is a constraint only; no value can have it for its type.
    MisplacedConstraint = "E0508", "constraint outside a type parameter list";

    /// Package unsafe and C code could break the memory that golite keeps for a program; they stay refused.
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
            let heading = format!("# {code}: {}\n", code.title());
            assert!(
                code.page().starts_with(&heading),
                "{code} has another heading"
            );
        }
    }
}
