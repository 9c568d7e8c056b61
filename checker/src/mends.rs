//! Mends that follow from the words of a message alone.
//!
//! [`Checker::report_with`](crate::checker::Checker) asks here when who reports an error knows nothing better to say: what the message names
//! is enough. What needs the operands or a look at other declarations stands in `hints.rs`.

/// What may mend an error with this message.
pub(crate) fn of_message(message: &str) -> Option<String> {
    named(message).or_else(|| fixed(message).map(str::to_owned))
}

/// The text between two others.
fn between<'m>(message: &'m str, before: &str, behind: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    rest.split_once(behind).map(|(inner, _)| inner)
}

/// Mends that repeat a name of the message.
fn named(message: &str) -> Option<String> {
    if let Some((start, alternative)) = message.split_once("but does have ") {
        let alternative = alternative.trim_end_matches(')');
        let name = alternative.rsplit(' ').next()?;
        let is_other_case = !start.contains("interface, not");
        return is_other_case.then(|| format!("did you mean {name}?"));
    }
    if let Some(name) = between(message, "(but have ", ")") {
        let package = between(message, "undefined: ", ".")?;
        return Some(format!("did you mean {package}.{name}?"));
    }
    if let Some(typ) = between(message, "cannot use nil as ", " value") {
        return match typ {
            "string" => Some("a string is never nil, but may be empty: \"\"".to_owned()),
            "bool" => Some("a bool is never nil; its zero value is false".to_owned()),
            _ if is_number(typ) => Some(format!(
                "a number is never nil; the zero value of {typ} is 0"
            )),
            _ if typ.starts_with(|c: char| c.is_alphabetic())
                && typ
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == '.') =>
            {
                Some(format!(
                    "its zero value is {typ}{{}}; nil is for pointers, slices, maps, channels, functions and interfaces"
                ))
            }
            _ => None,
        };
    }
    if message.ends_with("(overflows)")
        && let Some(typ) = between(message, " as ", " value in ")
    {
        return range_of(typ).map(|range| format!("{typ} holds {range}"));
    }
    if let Some((_, typ)) = message.rsplit_once(" overflows ") {
        return range_of(typ).map(|range| format!("{typ} holds {range}"));
    }
    if let Some(limit) = between(message, " out of bounds [0:", "]")
        && let Ok(limit) = limit.parse::<u64>()
    {
        return Some(match limit {
            0 => "it has no elements".to_owned(),
            limit => format!("indices go from 0 to {}", limit - 1),
        });
    }
    if message.starts_with("invalid recursive type")
        && let Some(name) = between(message, "invalid recursive type: ", " refers to itself")
    {
        return Some(format!("a pointer has a size of its own: *{name}"));
    }
    if let Some(value) = between(
        message,
        "cannot use type switch on type parameter value ",
        " (",
    ) {
        return Some(format!("of an interface value: switch any({value}).(type)"));
    }
    if let Some(value) = between(
        message,
        "cannot use type assertion on type parameter value ",
        " (",
    ) {
        return Some(format!("of an interface value: any({value}).(T)"));
    }
    if message.ends_with("is not a generic type)")
        && let Some(operation) = between(message, "invalid operation: ", " (")
        && let Some((typ, length)) = operation.split_once('[')
        && length.trim_end_matches(']').parse::<u64>().is_ok()
    {
        return Some(format!(
            "the brackets of an array type stand first: [{length}{typ}"
        ));
    }
    if let Some((_, kind)) = message.rsplit_once(" overflows, cannot ") {
        return Some(format!("larger numbers need another type than {kind}"));
    }
    if message.starts_with("label ") && message.ends_with(" defined and not used") {
        let label = between(message, "label ", " defined")?;
        return Some(format!("remove it, or name it: continue {label}"));
    }
    if let Some((_, label)) = message.rsplit_once("label not defined: ") {
        return Some(format!("a label stands before the loop: {label}: for ..."));
    }
    None
}

fn is_number(typ: &str) -> bool {
    range_of(typ).is_some() || matches!(typ, "float64" | "float32" | "complex128" | "uintptr")
}

/// What values an integer type has.
fn range_of(typ: &str) -> Option<&'static str> {
    Some(match typ {
        "int8" => "-128 to 127",
        "uint8" | "byte" => "0 to 255",
        "int16" => "-32768 to 32767",
        "uint16" => "0 to 65535",
        "int32" | "rune" => "-2147483648 to 2147483647",
        "uint32" => "0 to 4294967295",
        "int" | "int64" => "-9223372036854775808 to 9223372036854775807",
        "uint" | "uint64" => "0 to 18446744073709551615",
        _ => return None,
    })
}

/// Mends that are the same for all messages of a kind.
fn fixed(message: &str) -> Option<&'static str> {
    let has = |part: &str| message.contains(part);
    let ends = |part: &str| message.ends_with(part);
    Some(
        if has("cannot send to receive-only channel") || has("cannot close receive-only channel") {
            "<-chan T only receives: declare it as chan<- T, or chan T"
        } else if has("cannot receive from send-only channel")
            || has("receive from send-only channel")
        {
            "chan<- T only sends: declare it as <-chan T, or chan T"
        } else if ends("is not constant") {
            "a constant is known before the program runs: var declares a variable"
        } else if has("is pointer to interface, not interface") {
            "an interface value can hold a pointer itself: declare it without the *"
        } else if has(" to type interface{Error() string}") {
            "of an error: err.Error() is its text, errors.Is(err, target) compares it"
        } else if has("(untyped bool value) to type ") {
            "conditions stand in a switch without a value: switch { case x > 0: ... }"
        } else if message.starts_with("invalid case ") && has(" in switch on true ") {
            "a switch without a value has conditions: case x == 1:"
        } else if message.starts_with("invalid operation: ") && has("(struct containing ") {
            "compare the fields, or all with reflect.DeepEqual"
        } else if message.starts_with("invalid map key type ") {
            "keys are compared by ==: no slices, maps and functions in them"
        } else if message.starts_with("cannot define new methods on non-local type") {
            "a type of one's own can have methods: type T int"
        } else if message == "fallthrough statement out of place" {
            "it is the last statement of a case; without it a case ends by itself"
        } else if has("not in scope at return") {
            "return the values by name, or call the inner variable otherwise"
        } else if has("non-channel *chan ") {
            "make(chan T) makes a channel; new gives a pointer to one that is nil"
        } else if message == "break is not in a loop, switch, or select"
            || message == "continue is not in a loop"
        {
            "return leaves the function"
        } else if has("must not be negative") && has("index -") {
            "indices count from the start: the last element is s[len(s)-1]"
        } else if has("mixture of field:value and value elements") {
            "name all fields or none"
        } else if has("permits only one iteration variable") {
            "with one variable: for v := range ..."
        } else if has("permits no iteration variables") {
            "without variables: for range ..."
        } else if has("permits at most two iteration variables") {
            "for key, value := range ..."
        } else if has("use of untyped nil") {
            "nil has no type by itself: var x *T declares a nil pointer"
        } else if ends("(no value) used as value") {
            "the function has no result"
        } else if has("in single-value context") && has(", error)") {
            "take the values first: x, err := ..."
        } else if has("in single-value context") {
            "take the values first: x, y := ..."
        } else if message.starts_with("select case must be") {
            "receive or send: case v := <-c:, or case c <- v:"
        } else if has("does not match inferred type") {
            "both stand for one type: convert one of them"
        } else if message.starts_with("too many return values") && ends("want ()") {
            "results have their type behind the parameters: func f() int"
        } else if message.starts_with("too many return values") && has("error)\n\twant") {
            "take the values first: x, err := ..., and decide about err"
        } else if message.starts_with("not enough return values") && ends("error)") {
            "return the error, too; nil if there is none"
        } else if has("cannot refer to unexported") || has("not exported by package") {
            "names with a small first letter belong to their package alone"
        } else if message.starts_with('+') && ends("is not used")
            || message.starts_with('-') && ends("is not used")
        {
            "an operator that continues a line stands at the end of it"
        } else if has("constrained by any") && (has("for built-in len") || has("for built-in cap"))
        {
            "constrain it to what has a length: [T ~string], [T ~[]E, E any]"
        } else if has(" (variable of type ") && ends("is not an interface") {
            "its type never changes; only interface values hold several types"
        } else if message.starts_with("cannot use _ as value") {
            "_ only takes values; name the variable to read it"
        } else if message.starts_with("invalid operation: operator ! not defined on") {
            "! negates a bool: compare first, x == 0, say"
        } else if ends("(truncated)") || has(" truncated to ") {
            "whole numbers have no fraction: make the other side a float64; of durations, take a smaller unit"
        } else {
            return None;
        },
    )
}

#[cfg(test)]
mod tests {
    use super::of_message;

    #[test]
    fn names_are_repeated() {
        let mend = |message: &str| of_message(message).unwrap_or_default();
        let capital = "mu.lock undefined (type sync.Mutex has no field or method lock, but does have method Lock)";
        assert_eq!(mend(capital), "did you mean Lock?");
        assert_eq!(
            mend("undefined: os.args (but have Args)"),
            "did you mean os.Args?"
        );
        let array = "invalid operation: int[5] (int is not a generic type)";
        assert_eq!(
            mend(array),
            "the brackets of an array type stand first: [5]int"
        );
        let index = "invalid argument: index 5 out of bounds [0:3]";
        assert_eq!(mend(index), "indices go from 0 to 2");
        assert_eq!(mend("declared and not used: x"), "");
    }
}
