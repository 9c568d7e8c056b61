//! The printer: values of any type as text, by the verbs of a format.
//!
//! Values without methods are printed here at once. One whose method must be called (Format, GoString, Error, String) cannot be:
//! natives never call bytecode. So printing goes in passes (see fmt.gl):
//!
//! 1. The native prints and collects, in the order of printing, the values whose methods are wanted. If there are none, as
//!    is usual, the text is complete.
//! 2. The golite side calls the methods and keeps their texts.
//! 3. The native prints again and takes the texts in the same order. Values that were not there before (a method
//!    changed what is printed) are collected anew, and so on.
//!
//! Values are walked with a list of tasks instead of recursion: a script decides how deep they are.
//!
//! GO: fmt `print.go`, internal/fmtsort.

use bytecode::TypeKind;
use vm::border::{Any, Elements, GoSlice, GoStr, View};
use vm::native::{GoPanic, NativeContext, Pace};
use vm::types::RuntimeType;

use super::flags::{Flags, digits_of};
use crate::unicode::utf8::{append_rune, decode};

/// How arguments are put together; the numbers are fmt.gl's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Print,
    Println,
    Printf,
    /// Printf with `%w`.
    Errorf,
}

impl Mode {
    pub fn from_number(number: i64) -> Mode {
        match number {
            0 => Mode::Print,
            1 => Mode::Println,
            2 => Mode::Printf,
            _ => Mode::Errorf,
        }
    }
}

/// Deeper nesting than this is a value that contains itself: Go overflows its stack there.
const DEEPEST: usize = 4_000_000;

/// A method that printing may want; the numbers are fmt.gl's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Format,
    GoString,
    Error,
    String,
}

/// How a method that printing wanted has answered; the numbers are fmt.gl's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// With a text that the verb shows.
    Text,
    /// With what stands there now: a Formatter's, or `<nil>` for a method that cannot have nil pointers.
    Written,
    /// With a panic, of which the text tells.
    Panic,
}

/// Whether a value was reached through an unexported field, so that its methods must not be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Access {
    Free,
    /// An embedded unexported struct: its own exported fields are free again.
    Embedded,
    Closed,
}

impl Access {
    /// For parts that are not fields.
    fn inside(self) -> Access {
        if self == Access::Free {
            Access::Free
        } else {
            Access::Closed
        }
    }
}

enum Task<'h> {
    Value {
        view: View<'h>,
        access: Access,
        top: bool,
    },
    Text(&'static [u8]),
    Elements {
        elements: Elements<'h>,
        access: Access,
        first: bool,
    },
    Fields {
        view: View<'h>,
        access: Access,
        next: usize,
    },
    Entries {
        entries: std::vec::IntoIter<(View<'h>, View<'h>)>,
        access: Access,
        first: bool,
    },
    /// The end of `%!verb(type=...)`.
    EndBadVerb {
        verb: char,
    },
}

/// Whether a value is a `reflect.Value` (and no method, which is none of a value's own): an argument that is one stands for
/// what it holds.
fn is_reflected(view: View<'_>) -> bool {
    let descriptor = &view.ty().descriptor;
    matches!(descriptor.kind, TypeKind::Struct { .. })
        && descriptor.own_name == "Value"
        && descriptor.package == "reflect"
        && view.field(1).uint() & REFLECTED_METHOD == 0
}

/// What a `reflect.Value` holds; `None` for the zero Value.
fn reflected(view: View<'_>) -> Option<(View<'_>, Access)> {
    let flag = view.field(1).uint();
    let held = View::of(view.field(0).contents(), flag & REFLECTED_INDIRECT != 0)?;
    let access = if flag & REFLECTED_READ_ONLY == 0 {
        Access::Free
    } else {
        Access::Closed
    };
    (flag != 0).then_some((held, access))
}

/// Flags of reflect/value.gl.
const REFLECTED_READ_ONLY: u64 = 3 << 5;
const REFLECTED_INDIRECT: u64 = 1 << 7;
const REFLECTED_METHOD: u64 = 1 << 9;

/// A method call that is wanted.
pub struct Call<'h> {
    pub value: Any<'h>,
    pub method: Method,
    pub verb: char,
    pub flags: Flags,
}

/// See the module's text.
pub struct Printer<'h, 't> {
    pub out: Vec<u8>,
    pub calls: Vec<Call<'h>>,
    texts: &'t GoSlice<'h, GoStr<'h>>,
    outcomes: &'t GoSlice<'h, u8>,
    next_text: usize,
    flags: Flags,
    verb: char,
    erroring: bool,
    wrapping: bool,
    tasks: Vec<Task<'h>>,
    /// What says how addresses are shown.
    machine: Option<&'h vm::Machine>,
}

impl<'h, 't> Printer<'h, 't> {
    pub fn new(
        texts: &'t GoSlice<'h, GoStr<'h>>,
        outcomes: &'t GoSlice<'h, u8>,
    ) -> Printer<'h, 't> {
        Printer {
            out: Vec::with_capacity(64),
            calls: Vec::new(),
            texts,
            outcomes,
            next_text: 0,
            flags: Flags::default(),
            verb: 'v',
            erroring: false,
            wrapping: false,
            tasks: Vec::new(),
            machine: None,
        }
    }

    /// Prints `arguments`.
    ///
    /// # Errors
    /// The heap is full, or a value contains itself.
    pub fn print(
        &mut self,
        context: &mut NativeContext<'h>,
        mode: Mode,
        format: &[u8],
        arguments: &GoSlice<'h, Any<'h>>,
    ) -> Result<(), GoPanic> {
        self.machine = Some(context.machine());
        match mode {
            Mode::Print => {
                let mut previous_is_string = true;
                for (index, argument) in arguments.iter().enumerate() {
                    let is_string = argument
                        .ty()
                        .is_some_and(|ty| matches!(ty.kind(), TypeKind::String));
                    if index > 0 && !is_string && !previous_is_string {
                        self.out.push(b' ');
                    }
                    self.argument(context, argument, 'v')?;
                    previous_is_string = is_string;
                }
                Ok(())
            }
            Mode::Println => {
                for (index, argument) in arguments.iter().enumerate() {
                    if index > 0 {
                        self.out.push(b' ');
                    }
                    self.argument(context, argument, 'v')?;
                }
                self.out.push(b'\n');
                Ok(())
            }
            Mode::Printf | Mode::Errorf => {
                self.wrapping = mode == Mode::Errorf;
                self.format(context, format, arguments)
            }
        }
    }

    fn format(
        &mut self,
        context: &mut NativeContext<'h>,
        format: &[u8],
        arguments: &GoSlice<'h, Any<'h>>,
    ) -> Result<(), GoPanic> {
        let count = arguments.len();
        let mut reader = FormatReader {
            format,
            at: 0,
            argument: 0,
            reordered: false,
        };
        while let Some(piece) = reader.next(arguments) {
            let verb = match piece {
                Piece::Text(text) => {
                    self.out.extend_from_slice(text);
                    continue;
                }
                Piece::Verb(verb) => verb,
            };
            if verb.bad_width {
                self.out.extend_from_slice(b"%!(BADWIDTH)");
            }
            if verb.bad_precision {
                self.out.extend_from_slice(b"%!(BADPREC)");
            }
            let Some(letter) = verb.letter else {
                self.out.extend_from_slice(b"%!(NOVERB)");
                break;
            };
            if letter == '%' as i32 {
                self.out.push(b'%');
                continue;
            }
            if !verb.good_argument {
                self.bang(letter);
                self.out.extend_from_slice(b"(BADINDEX)");
                continue;
            }
            if reader.argument >= count {
                self.bang(letter);
                self.out.extend_from_slice(b"(MISSING)");
                continue;
            }
            self.flags = verb.flags;
            let letter = u32::try_from(letter)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            if matches!(letter, 'v' | 'w') {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            let argument = arguments.get(reader.argument);
            reader.argument += 1;
            self.argument(context, argument, letter)?;
        }
        if !reader.reordered && reader.argument < count {
            self.flags = Flags::default();
            self.out.extend_from_slice(b"%!(EXTRA ");
            for index in reader.argument..count {
                if index > reader.argument {
                    self.out.extend_from_slice(b", ");
                }
                let argument = arguments.get(index);
                match argument.ty() {
                    None => self.out.extend_from_slice(b"<nil>"),
                    Some(ty) => {
                        self.out.extend_from_slice(ty.name().as_bytes());
                        self.out.push(b'=');
                        self.argument(context, argument, 'v')?;
                    }
                }
            }
            self.out.push(b')');
        }
        Ok(())
    }

    fn bang(&mut self, letter: i32) {
        self.out.extend_from_slice(b"%!");
        append_rune(&mut self.out, letter);
    }

    fn argument(
        &mut self,
        context: &mut NativeContext<'h>,
        argument: Any<'h>,
        verb: char,
    ) -> Result<(), GoPanic> {
        let Some(view) = argument.view() else {
            if matches!(verb, 'T' | 'v') {
                self.flags.pad(&mut self.out, b"<nil>");
            } else {
                self.bang(verb as i32);
                self.out.extend_from_slice(b"(<nil>)");
            }
            return Ok(());
        };
        self.verb = verb;
        if !matches!(verb, 'T' | 'p') && is_reflected(view) {
            match reflected(view) {
                Some((view, access)) => self.tasks.push(Task::Value {
                    view,
                    access,
                    top: true,
                }),
                None => self.out.extend_from_slice(b"<invalid reflect.Value>"),
            }
            return self.work(context);
        }
        match verb {
            'T' => {
                self.flags
                    .string(&mut self.out, view.ty().name().as_bytes());
                return Ok(());
            }
            'p' => self.pointer(view),
            // PERF: what is printed most.
            'v' | 'd' | 's' if view.ty().descriptor.methods.is_empty() => match view.kind() {
                TypeKind::String if verb != 'd' && !self.flags.sharp_v => {
                    self.flags.string(&mut self.out, &view.string());
                    return Ok(());
                }
                TypeKind::Int | TypeKind::Int64 if verb != 's' => {
                    self.flags.integer(
                        &mut self.out,
                        view.int() as u64,
                        10,
                        true,
                        verb,
                        digits_of(verb),
                    );
                    return Ok(());
                }
                _ => self.tasks.push(Task::Value {
                    view,
                    access: Access::Free,
                    top: true,
                }),
            },
            _ => self.tasks.push(Task::Value {
                view,
                access: Access::Free,
                top: true,
            }),
        }
        self.work(context)
    }

    fn work(&mut self, context: &mut NativeContext<'h>) -> Result<(), GoPanic> {
        let mut pace = Pace::default();
        while let Some(task) = self.tasks.pop() {
            if pace.is_over_after(64) {
                return Ok(());
            }
            match task {
                Task::Text(text) => self.out.extend_from_slice(text),
                Task::Value { view, access, top } => {
                    if self.tasks.len() > DEEPEST {
                        return Err(GoPanic::fatal("stack overflow"));
                    }
                    // Go prints a []byte without asking for methods, which shows with %w.
                    let plain_bytes = top && self.verb == 'w' && view.ty().name() == "[]uint8";
                    if access == Access::Free && !plain_bytes && self.methods(context, view)? {
                        continue;
                    }
                    self.value(context, view, access, top)?;
                }
                Task::Elements {
                    mut elements,
                    access,
                    first,
                } => {
                    if let Some(view) = elements.next() {
                        if !first {
                            self.separator();
                        }
                        self.tasks.push(Task::Elements {
                            elements,
                            access,
                            first: false,
                        });
                        self.tasks.push(Task::Value {
                            view,
                            access,
                            top: false,
                        });
                    } else {
                        self.out.push(if self.flags.sharp_v { b'}' } else { b']' });
                    }
                }
                Task::Fields { view, access, next } => self.field(view, access, next),
                Task::Entries {
                    mut entries,
                    access,
                    first,
                } => {
                    if let Some((key, value)) = entries.next() {
                        if !first {
                            self.separator();
                        }
                        self.tasks.push(Task::Entries {
                            entries,
                            access,
                            first: false,
                        });
                        self.tasks.push(Task::Value {
                            view: value,
                            access,
                            top: false,
                        });
                        self.tasks.push(Task::Text(b":"));
                        self.tasks.push(Task::Value {
                            view: key,
                            access,
                            top: false,
                        });
                    } else {
                        self.out.push(if self.flags.sharp_v { b'}' } else { b']' });
                    }
                }
                Task::EndBadVerb { verb } => {
                    self.out.push(b')');
                    self.erroring = false;
                    self.verb = verb;
                }
            }
        }
        Ok(())
    }

    fn separator(&mut self) {
        self.out
            .extend_from_slice(if self.flags.sharp_v { b", " } else { b" " });
    }

    fn field(&mut self, view: View<'h>, access: Access, next: usize) {
        if next >= view.field_count() {
            self.out.push(b'}');
            return;
        }
        if next > 0 {
            self.separator();
        }
        let TypeKind::Struct { fields } = view.kind() else {
            return;
        };
        let field = &fields[next];
        if (self.flags.plus_v || self.flags.sharp_v) && !field.name.is_empty() {
            self.out.extend_from_slice(field.name.as_bytes());
            self.out.push(b':');
        }
        let inner = match (access, field.exported) {
            (Access::Closed, _) => Access::Closed,
            (_, true) => Access::Free,
            (_, false) if field.embedded => Access::Embedded,
            (_, false) => Access::Closed,
        };
        self.tasks.push(Task::Fields {
            view,
            access,
            next: next + 1,
        });
        let mut value = view.field(next);
        let mut inner = inner;
        if value.ty().is_interface()
            && let Some(contents) = value.contents().view()
        {
            value = contents;
            inner = inner.inside();
        }
        self.tasks.push(Task::Value {
            view: value,
            access: inner,
            top: false,
        });
    }

    /// Prints the value by a method of its own, if the verb wants one. Answers whether that is settled.
    fn methods(
        &mut self,
        context: &mut NativeContext<'h>,
        view: View<'h>,
    ) -> Result<bool, GoPanic> {
        let ty = view.ty();
        if self.erroring || ty.is_interface() {
            return Ok(false);
        }
        let mut verb = self.verb;
        if verb == 'w' {
            if !self.wrapping || !has_method(context, ty, Method::Error) {
                self.bad_verb(view);
                return Ok(true);
            }
            verb = 'v';
        }
        if ty.descriptor.methods.is_empty() {
            return Ok(false);
        }
        let wanted = |method| has_method(context, ty, method).then_some(method);
        let method = wanted(Method::Format).or_else(|| {
            if self.flags.sharp_v {
                wanted(Method::GoString)
            } else if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                wanted(Method::Error).or_else(|| wanted(Method::String))
            } else {
                None
            }
        });
        let Some(method) = method else {
            return Ok(false);
        };
        if self.next_text >= self.texts.len() {
            let value = view.to_any(context)?;
            self.calls.push(Call {
                value,
                method,
                verb,
                flags: self.flags,
            });
            return Ok(true);
        }
        let text = self.texts.get(self.next_text);
        let outcome = self.outcome(self.next_text);
        self.next_text += 1;
        if outcome != Outcome::Text {
            self.out.extend_from_slice(&text);
            if outcome == Outcome::Panic {
                // Go forgets width and precision then, but not that they were given.
                // GO: fmt/print.go `catchPanic`, format.go `clearflags`.
                self.flags.width = self.flags.width.map(|_| 0);
                self.flags.precision = self.flags.precision.map(|_| 0);
            }
        } else if method == Method::GoString {
            self.flags.string(&mut self.out, &text);
        } else {
            self.string(&text, verb);
        }
        Ok(true)
    }

    fn outcome(&self, call: usize) -> Outcome {
        if call >= self.outcomes.len() {
            return Outcome::Text;
        }
        match self.outcomes.get(call) {
            0 => Outcome::Text,
            1 => Outcome::Written,
            _ => Outcome::Panic,
        }
    }

    /// Strings under the verbs that suit them; answers whether the verb does.
    fn string(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => self.flags.quoted(&mut self.out, text),
            'v' | 's' => self.flags.string(&mut self.out, text),
            'x' | 'X' => self.flags.hexadecimal(&mut self.out, text, digits_of(verb)),
            'q' => self.flags.quoted(&mut self.out, text),
            _ => return false,
        }
        true
    }

    /// Integers under the verbs that suit them; answers whether the verb does.
    fn integer(&mut self, value: u64, signed: bool, verb: char) -> bool {
        let (flags, out) = (self.flags, &mut self.out);
        match verb {
            'v' if flags.sharp_v && !signed => flags.address(out, value, true),
            'v' | 'd' => flags.integer(out, value, 10, signed, verb, digits_of(verb)),
            'b' => flags.integer(out, value, 2, signed, verb, digits_of(verb)),
            'o' | 'O' => flags.integer(out, value, 8, signed, verb, digits_of(verb)),
            'x' | 'X' => flags.integer(out, value, 16, signed, verb, digits_of(verb)),
            'c' => flags.character(out, value),
            'q' => flags.quoted_character(out, value),
            'U' => flags.unicode(out, value),
            _ => return false,
        }
        true
    }

    fn float(&mut self, value: f64, bits: u32, verb: char) -> bool {
        let (layout, precision) = match verb {
            'v' => (b'g', -1),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, -1),
            'f' | 'e' | 'E' => (verb as u8, 6),
            'F' => (b'f', 6),
            _ => return false,
        };
        self.flags
            .float(&mut self.out, value, bits, layout, precision);
        true
    }

    /// Both parts in parentheses, the second always with its sign.
    fn complex(&mut self, view: View<'h>, bits: u32, verb: char) -> bool {
        if !matches!(
            verb,
            'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E'
        ) {
            return false;
        }
        let plus = self.flags.plus;
        self.out.push(b'(');
        self.float(view.field(0).float(), bits, verb);
        self.flags.plus = true;
        self.float(view.field(1).float(), bits, verb);
        self.out.extend_from_slice(b"i)");
        self.flags.plus = plus;
        true
    }

    /// The value itself, without its methods.
    fn value(
        &mut self,
        context: &mut NativeContext<'h>,
        view: View<'h>,
        access: Access,
        top: bool,
    ) -> Result<(), GoPanic> {
        let verb = self.verb;
        let sharp_v = self.flags.sharp_v;
        let suits = match view.kind() {
            TypeKind::Bool => {
                if matches!(verb, 't' | 'v') {
                    self.flags.boolean(&mut self.out, view.bool());
                }
                matches!(verb, 't' | 'v')
            }
            TypeKind::Int
            | TypeKind::Int8
            | TypeKind::Int16
            | TypeKind::Int32
            | TypeKind::Int64 => self.integer(view.int() as u64, true, verb),
            TypeKind::Uint
            | TypeKind::Uint8
            | TypeKind::Uint16
            | TypeKind::Uint32
            | TypeKind::Uint64
            | TypeKind::Uintptr => self.integer(view.uint(), false, verb),
            TypeKind::Float32 => self.float(view.float(), 32, verb),
            TypeKind::Float64 => self.float(view.float(), 64, verb),
            TypeKind::Complex64 { .. } => self.complex(view, 32, verb),
            TypeKind::Complex128 { .. } => self.complex(view, 64, verb),
            TypeKind::String => self.string(&view.string(), verb),
            TypeKind::Map { .. } => {
                if sharp_v {
                    self.out.extend_from_slice(view.ty().name().as_bytes());
                    if view.is_nil() {
                        self.out.extend_from_slice(b"(nil)");
                        return Ok(());
                    }
                    self.out.push(b'{');
                } else {
                    self.out.extend_from_slice(b"map[");
                }
                let entries = sorted(view.entries(context)?);
                self.tasks.push(Task::Entries {
                    entries: entries.into_iter(),
                    access: access.inside(),
                    first: true,
                });
                true
            }
            TypeKind::Struct { .. } => {
                if sharp_v {
                    self.out.extend_from_slice(view.ty().name().as_bytes());
                }
                self.out.push(b'{');
                self.tasks.push(Task::Fields {
                    view,
                    access,
                    next: 0,
                });
                true
            }
            TypeKind::Interface { .. } => {
                if let Some(contents) = view.contents().view() {
                    self.tasks.push(Task::Value {
                        view: contents,
                        access: access.inside(),
                        top: false,
                    });
                } else if sharp_v {
                    self.out.extend_from_slice(view.ty().name().as_bytes());
                    self.out.extend_from_slice(b"(nil)");
                } else {
                    self.out.extend_from_slice(b"<nil>");
                }
                true
            }
            TypeKind::Array { .. } | TypeKind::Slice { .. } => {
                let is_slice = matches!(view.kind(), TypeKind::Slice { .. });
                if matches!(verb, 's' | 'q' | 'x' | 'X')
                    && matches!(view.ty().element().kind(), TypeKind::Uint8)
                {
                    let bytes: Vec<u8> = view
                        .elements()
                        .map(|element| element.uint() as u8)
                        .collect();
                    match verb {
                        's' => self.flags.string(&mut self.out, &bytes),
                        'q' => self.flags.quoted(&mut self.out, &bytes),
                        _ => self
                            .flags
                            .hexadecimal(&mut self.out, &bytes, digits_of(verb)),
                    }
                    return Ok(());
                }
                if sharp_v {
                    let name = view.ty().name();
                    // An argument that is a []byte is shown by the name it is written by.
                    let name = if top && !self.erroring && verb != 'w' && name == "[]uint8" {
                        "[]byte"
                    } else {
                        name
                    };
                    self.out.extend_from_slice(name.as_bytes());
                    if is_slice && view.is_nil() {
                        self.out.extend_from_slice(b"(nil)");
                        return Ok(());
                    }
                    self.out.push(b'{');
                } else {
                    self.out.push(b'[');
                }
                self.tasks.push(Task::Elements {
                    elements: view.elements(),
                    access: access.inside(),
                    first: true,
                });
                true
            }
            TypeKind::Pointer { .. } => {
                if top
                    && let Some(target) = view.pointee()
                    && matches!(
                        target.kind(),
                        TypeKind::Array { .. }
                            | TypeKind::Slice { .. }
                            | TypeKind::Struct { .. }
                            | TypeKind::Map { .. }
                    )
                {
                    self.out.push(b'&');
                    self.tasks.push(Task::Value {
                        view: target,
                        access,
                        top: false,
                    });
                } else {
                    self.pointer(view);
                }
                true
            }
            TypeKind::Channel { .. } | TypeKind::Function { .. } => {
                self.pointer(view);
                true
            }
            TypeKind::Tuple { .. } => true,
        };
        if !suits {
            self.bad_verb(view);
        }
        Ok(())
    }

    /// Pointers and what is printed like them, and whatever stands where one was wanted.
    fn pointer(&mut self, view: View<'h>) {
        let verb = self.verb;
        let is_pointer = matches!(
            view.kind(),
            TypeKind::Pointer { .. }
                | TypeKind::Channel { .. }
                | TypeKind::Function { .. }
                | TypeKind::Map { .. }
                | TypeKind::Slice { .. }
        );
        if !is_pointer {
            self.bad_verb(view);
            return;
        }
        let address = match self.machine {
            Some(machine) => machine.shown_address(view.address()),
            None => view.address(),
        };
        let suits = match verb {
            'v' if self.flags.sharp_v => {
                self.out.push(b'(');
                self.out.extend_from_slice(view.ty().name().as_bytes());
                self.out.extend_from_slice(b")(");
                if address == 0 {
                    self.out.extend_from_slice(b"nil");
                } else {
                    self.flags.address(&mut self.out, address, true);
                }
                self.out.push(b')');
                true
            }
            'v' if address == 0 => {
                self.flags.pad(&mut self.out, b"<nil>");
                true
            }
            'v' | 'p' => {
                self.flags
                    .address(&mut self.out, address, !self.flags.sharp);
                true
            }
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(address, false, verb),
            _ => false,
        };
        if !suits {
            self.bad_verb(view);
        }
    }

    /// `%!verb(type=value)`; what follows the type is a task.
    fn bad_verb(&mut self, view: View<'h>) {
        self.bang(self.verb as i32);
        self.out.push(b'(');
        self.out.extend_from_slice(view.ty().name().as_bytes());
        self.out.push(b'=');
        self.tasks.push(Task::EndBadVerb { verb: self.verb });
        self.tasks.push(Task::Value {
            view,
            access: Access::Closed,
            top: true,
        });
        self.erroring = true;
        self.verb = 'v';
    }
}

/// Whether the type has the method, with the signature that makes it count.
pub fn has_method(context: &NativeContext<'_>, ty: &RuntimeType, method: Method) -> bool {
    let (name, signature) = match method {
        Method::Format => ("Format", "(fmt.State, int32)"),
        Method::GoString => ("GoString", "() string"),
        Method::Error => ("Error", "() string"),
        Method::String => ("String", "() string"),
    };
    ty.descriptor.methods.iter().any(|m| {
        m.name == name && context.image().selectors()[m.selector as usize].signature == signature
    })
}

/// One step of a format.
enum Piece<'f> {
    Text(&'f [u8]),
    Verb(Verb),
}

#[derive(Default)]
struct Verb {
    flags: Flags,
    good_argument: bool,
    bad_width: bool,
    bad_precision: bool,
    letter: Option<i32>,
}

/// Takes a format apart.
struct FormatReader<'f> {
    format: &'f [u8],
    at: usize,
    /// The next argument.
    argument: usize,
    reordered: bool,
}

impl<'f> FormatReader<'f> {
    fn next(&mut self, arguments: &GoSlice<'_, Any<'_>>) -> Option<Piece<'f>> {
        let rest = self.format.get(self.at..)?;
        if rest.is_empty() {
            return None;
        }
        let text = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        if text > 0 {
            self.at += text;
            return Some(Piece::Text(&rest[..text]));
        }
        self.at += 1;
        let mut verb = Verb {
            good_argument: true,
            ..Verb::default()
        };
        while let Some(&b) = self.format.get(self.at) {
            match b {
                b'#' => verb.flags.sharp = true,
                b'0' => verb.flags.zero = true,
                b'+' => verb.flags.plus = true,
                b'-' => verb.flags.minus = true,
                b' ' => verb.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut after_index = self.index(&mut verb, arguments.len());
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.number_argument(arguments) {
                Some(width) => {
                    if width < 0 {
                        verb.flags.minus = true;
                        verb.flags.zero = false;
                    }
                    verb.flags.width = Some(width.unsigned_abs() as usize);
                }
                None => verb.bad_width = true,
            }
            after_index = false;
        } else {
            verb.flags.width = self.number();
            if after_index && verb.flags.width.is_some() {
                verb.good_argument = false;
            }
        }
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if after_index {
                verb.good_argument = false;
            }
            after_index = self.index(&mut verb, arguments.len());
            if self.peek() == Some(b'*') {
                self.at += 1;
                match self.number_argument(arguments) {
                    // A negative precision counts as none, and as a bad one.
                    Some(precision) if precision >= 0 => {
                        verb.flags.precision = Some(precision as usize)
                    }
                    _ => verb.bad_precision = true,
                }
                after_index = false;
            } else {
                verb.flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index(&mut verb, arguments.len());
        }
        let rest = &self.format[self.at..];
        if !rest.is_empty() {
            let (letter, width) = decode(rest);
            self.at += width;
            verb.letter = Some(letter);
        }
        Some(Piece::Verb(verb))
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// A decimal number, if one stands here. One that is too large counts as none.
    fn number(&mut self) -> Option<usize> {
        let mut value = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let so_far: usize = value.unwrap_or(0);
            if so_far > LARGEST {
                // Whatever follows is given up.
                self.at = self.format.len();
                return None;
            }
            value = Some(so_far * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        value
    }

    /// The argument for a `*`.
    fn number_argument(&mut self, arguments: &GoSlice<'_, Any<'_>>) -> Option<i64> {
        if self.argument >= arguments.len() {
            return None;
        }
        let view = arguments.get(self.argument).view();
        self.argument += 1;
        let view = view?;
        let value = match view.kind() {
            kind if kind.is_signed() => view.int(),
            kind if kind.is_unsigned() => i64::try_from(view.uint()).ok()?,
            _ => return None,
        };
        (value.unsigned_abs() <= LARGEST as u64).then_some(value)
    }

    /// An argument index `[n]`, if one stands here.
    fn index(&mut self, verb: &mut Verb, count: usize) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let close = rest.iter().position(|&b| b == b']');
        let (index, width) = match close {
            Some(close) if rest.len() >= 3 => {
                let mut inner = FormatReader {
                    format: &rest[..close],
                    at: 1,
                    argument: 0,
                    reordered: false,
                };
                let number = inner.number();
                (if inner.at == close { number } else { None }, close + 1)
            }
            _ => (None, 1),
        };
        self.at += width;
        match index {
            Some(index) if (1..=count).contains(&index) => {
                self.argument = index - 1;
                true
            }
            index => {
                verb.good_argument = false;
                index.is_some()
            }
        }
    }
}

/// Widths and precisions beyond this are not believed.
const LARGEST: usize = 1_000_000;

/// The argument numbers of `%w` in the format, ascending, each once.
pub fn wrapped(format: &[u8], arguments: &GoSlice<'_, Any<'_>>) -> Vec<i64> {
    let mut reader = FormatReader {
        format,
        at: 0,
        argument: 0,
        reordered: false,
    };
    let mut places = Vec::new();
    while let Some(piece) = reader.next(arguments) {
        let Piece::Verb(verb) = piece else { continue };
        match verb.letter {
            None => break,
            Some(letter)
                if letter == '%' as i32
                    || !verb.good_argument
                    || reader.argument >= arguments.len() => {}
            Some(letter) => {
                if letter == 'w' as i32 {
                    places.push(reader.argument as i64);
                }
                reader.argument += 1;
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// Map entries in the order in which they are printed. A merge sort of our own: a racing script can make comparisons
/// contradict each other, which `slice::sort` may answer with a panic.
fn sorted<'h>(mut entries: Vec<(View<'h>, View<'h>)>) -> Vec<(View<'h>, View<'h>)> {
    let (mut width, mut pace) = (1, Pace::default());
    while width < entries.len() {
        let mut merged = Vec::with_capacity(entries.len());
        for run in entries.chunks(2 * width) {
            let (mut left, mut right) = run.split_at(width.min(run.len()));
            while let (Some(&a), Some(&b)) = (left.first(), right.first()) {
                if pace.is_over_after(64) {
                    return entries;
                }
                if compare(a.0, b.0) == std::cmp::Ordering::Greater {
                    merged.push(b);
                    right = &right[1..];
                } else {
                    merged.push(a);
                    left = &left[1..];
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        entries = merged;
        width *= 2;
    }
    entries
}

/// Where a type stands among the dynamic types of keys. Go orders them by the addresses of their descriptors: the predeclared ones
/// as its compiler puts them down, others first or last as it happens; here first.
fn type_rank(ty: &RuntimeType) -> (u32, u32) {
    let place = match ty.kind() {
        _ if !ty.descriptor.package.is_empty() => 0,
        TypeKind::String => 1,
        TypeKind::Int8 => 2,
        TypeKind::Uint8 => 3,
        TypeKind::Int16 => 4,
        TypeKind::Uint16 => 5,
        TypeKind::Int32 => 6,
        TypeKind::Uint32 => 7,
        TypeKind::Int64 => 8,
        TypeKind::Uint64 => 9,
        TypeKind::Int => 10,
        TypeKind::Uint => 11,
        TypeKind::Uintptr => 12,
        TypeKind::Float32 => 13,
        TypeKind::Float64 => 14,
        TypeKind::Complex64 { .. } => 15,
        TypeKind::Complex128 { .. } => 16,
        TypeKind::Bool => 17,
        _ => 0,
    };
    (place, ty.id.0)
}

/// The order of map keys: numbers and strings ascending, false before true, structs and arrays part by part, nil first,
/// pointers and channels by address, interfaces by type, then by value.
fn compare<'h>(a: View<'h>, b: View<'h>) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let mut pairs = vec![(a, b)];
    while let Some((a, b)) = pairs.pop() {
        let order = match a.kind() {
            kind if kind.is_signed() => a.int().cmp(&b.int()),
            TypeKind::String => a.string().as_bytes().cmp(b.string().as_bytes()),
            TypeKind::Float32 | TypeKind::Float64 => {
                let (a, b) = (a.float(), b.float());
                match (a.is_nan(), b.is_nan()) {
                    (true, true) => Equal,
                    (true, false) => Less,
                    (false, true) => Greater,
                    (false, false) => a.partial_cmp(&b).unwrap_or(Equal),
                }
            }
            TypeKind::Bool => a.bool().cmp(&b.bool()),
            TypeKind::Struct { .. } | TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => {
                for index in (0..a.field_count()).rev() {
                    pairs.push((a.field(index), b.field(index)));
                }
                Equal
            }
            TypeKind::Array { .. } => {
                let at = pairs.len();
                pairs.extend(a.elements().zip(b.elements()));
                pairs[at..].reverse();
                Equal
            }
            TypeKind::Interface { .. } => match (a.contents().view(), b.contents().view()) {
                (None, None) => Equal,
                (None, Some(_)) => Less,
                (Some(_), None) => Greater,
                (Some(a), Some(b)) => {
                    let order = type_rank(a.ty()).cmp(&type_rank(b.ty()));
                    if order == Equal {
                        pairs.push((a, b));
                    }
                    order
                }
            },
            _ => a.uint().cmp(&b.uint()),
        };
        if order != Equal {
            return order;
        }
    }
    Equal
}
