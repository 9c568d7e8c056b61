//! Natives of package fmt.

mod flags;
pub mod printer;

use vm::border::{Any, GoSlice, GoStr};
use vm::native::{GoPanic, NativeContext};
use vm::{HostHandle, natives};

use flags::Flags;
use printer::{Call, Mode, Printer};

/// Numbers per call in the details; fmt.gl's `detailsPerCall`.
const DETAILS: usize = 5;

type Printed<'h, T> = Result<(T, GoSlice<'h, Any<'h>>, Vec<i64>), GoPanic>;

fn format_text<'h>(
    context: &mut NativeContext<'h>,
    mode: i64,
    format: GoStr<'h>,
    arguments: GoSlice<'h, Any<'h>>,
    texts: GoSlice<'h, GoStr<'h>>,
    outcomes: GoSlice<'h, u8>,
) -> Printed<'h, GoStr<'h>> {
    let mut printer = Printer::new(&texts, &outcomes);
    printer.print(context, Mode::from_number(mode), &format, &arguments)?;
    let (calls, details) = hand_over(context, &printer.calls)?;
    Ok((context.new_string(&printer.out)?, calls, details))
}

fn format_bytes<'h>(
    context: &mut NativeContext<'h>,
    mode: i64,
    format: GoStr<'h>,
    arguments: GoSlice<'h, Any<'h>>,
    texts: GoSlice<'h, GoStr<'h>>,
    outcomes: GoSlice<'h, u8>,
) -> Printed<'h, Vec<u8>> {
    let mut printer = Printer::new(&texts, &outcomes);
    printer.print(context, Mode::from_number(mode), &format, &arguments)?;
    let (calls, details) = hand_over(context, &printer.calls)?;
    Ok((printer.out, calls, details))
}

/// The wanted calls as fmt.gl takes them; two nil slices if there are none.
fn hand_over<'h>(
    context: &mut NativeContext<'h>,
    calls: &[Call<'h>],
) -> Result<(GoSlice<'h, Any<'h>>, Vec<i64>), GoPanic> {
    if calls.is_empty() {
        return Ok((GoSlice::NIL, Vec::new()));
    }
    let values = context.new_slice::<Any<'h>>(calls.len(), calls.len())?;
    let mut details = Vec::with_capacity(calls.len() * DETAILS);
    for (index, call) in calls.iter().enumerate() {
        values.set(index, call.value);
        let number = |n: Option<usize>| n.map_or(-1, |n| n as i64);
        details.extend([
            call.method as i64,
            call.verb as i64,
            bits(&call.flags),
            number(call.flags.width),
            number(call.flags.precision),
        ]);
    }
    Ok((values, details))
}

/// The flags as a Formatter's State has them: `%+v` and `%#v` show as plus and sharp.
fn bits(flags: &Flags) -> i64 {
    i64::from(flags.minus)
        | i64::from(flags.plus || flags.plus_v) << 1
        | i64::from(flags.sharp || flags.sharp_v) << 2
        | i64::from(flags.space) << 3
        | i64::from(flags.zero) << 4
}

fn write_output(host: HostHandle, text: Vec<u8>) -> (i64, i64) {
    match host.write_stdout(&text) {
        Ok(()) => (text.len() as i64, 0),
        Err(error) => (0, crate::os::error_number(&error)),
    }
}

fn is_nil_pointer(value: Any<'_>) -> bool {
    value.view().is_some_and(|view| {
        matches!(view.kind(), bytecode::TypeKind::Pointer { .. }) && view.is_nil()
    })
}

fn failure_text(number: i64) -> String {
    crate::os::error_text(number)
}

fn wrapped(format: GoStr<'_>, arguments: GoSlice<'_, Any<'_>>) -> Vec<i64> {
    printer::wrapped(&format, &arguments)
}

fn read_input(host: HostHandle, most: i64) -> (Vec<u8>, i64) {
    crate::os::read_stdin(&host, most)
}

fn scale(value: f64, exponent: i64) -> f64 {
    crate::math::elementary::ldexp(value, exponent)
}

natives! {
    blocking "readInput" => read_input;
    pure "scale" => scale;
    pure "isSpace" => crate::unicode::tables::is_space;
    pure "formatText" => format_text;
    pure "formatBytes" => format_bytes;
    blocking "writeOutput" => write_output;
    pure "isNilPointer" => is_nil_pointer;
    pure "failureText" => failure_text;
    pure "wrapped" => wrapped;
}
