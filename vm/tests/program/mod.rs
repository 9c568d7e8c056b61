//! Programs by hand: types, functions with live maps, natives of a package `test`.

#![allow(dead_code, clippy::allow_attributes)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use bytecode::*;
use golite_vm::{
    Exit, GoPanic, GoStr, Host, HostHandle, LinkError, NativeContext, NativeTable, Parking, Vm,
    VmOptions,
};

pub fn r(register: u16) -> Register {
    Register(register)
}

/// A function under construction.
pub struct Code {
    pub asm: Assembler,
    maps: Vec<(assembler::Mark, Vec<(u16, SlotKind)>)>,
    recovery: Option<assembler::Mark>,
}

impl Code {
    pub fn new(_parameters: usize) -> Code {
        Code {
            asm: Assembler::new(),
            maps: Vec::new(),
            recovery: None,
        }
    }

    pub fn emit(&mut self, instruction: impl Into<Instruction>) {
        self.asm.emit(instruction);
    }

    pub fn jump(&mut self, instruction: impl Into<Instruction>, to: Label) {
        self.asm.emit_jump(instruction, to);
    }

    /// An instruction with a live map.
    pub fn stop(&mut self, instruction: impl Into<Instruction>, live: &[(u16, SlotKind)]) {
        let mark = self.asm.emit(instruction);
        self.maps.push((mark, live.to_vec()));
    }

    /// A back-edge with a live map.
    pub fn stop_jump(
        &mut self,
        instruction: impl Into<Instruction>,
        to: Label,
        live: &[(u16, SlotKind)],
    ) {
        let mark = self.asm.emit_jump(instruction, to);
        self.maps.push((mark, live.to_vec()));
    }

    pub fn native(&mut self, b: &mut Builder, name: &str, window: u16, live: &[(u16, SlotKind)]) {
        let native = b.native(name);
        self.stop(
            op::CallNative {
                window: Window(window),
                native,
            },
            live,
        );
    }

    /// Prints the int in a register.
    pub fn print(&mut self, b: &mut Builder, register: u16) {
        // The window must lie above what is live; argument slots are the register itself.
        self.native(b, "test.print", register, &[]);
    }

    pub fn recovery_here(&mut self) {
        self.recovery = Some(self.asm.here());
    }

    pub fn finish(self, parameters: &[SlotKind], frame_size: u32) -> Function {
        let assembled = self.asm.finish();
        let mut maps = Vec::new();
        let mut safepoints = Vec::new();
        for (mark, map) in self.maps {
            safepoints.push((assembled.offset(mark), maps.len() as u32));
            maps.push(map);
        }
        safepoints.sort_unstable();
        Function {
            recovery: self.recovery.map(|mark| assembled.offset(mark)),
            code: assembled.code,
            frame_size,
            parameters: parameters.to_vec(),
            safepoints,
            maps,
            ..Function::default()
        }
    }
}

pub struct Extra {
    pub int_slice: TypeId,
}

/// A program under construction.
pub struct Builder {
    pub program: Program,
    pub known: KnownTypes,
    pub known_extra: Extra,
}

fn descriptor(
    name: &str,
    kind: TypeKind,
    size: u32,
    align: u8,
    slots: &[SlotKind],
    pattern: &[(u32, SlotKind)],
) -> TypeDescriptor {
    TypeDescriptor {
        name: name.into(),
        own_name: String::new(),
        package: String::new(),
        kind,
        size,
        align,
        slots: slots.to_vec(),
        boxed: false,
        pattern: pattern.to_vec(),
        pattern_period: size,
        comparable: true,
        plain_memory: size <= 8,
        methods: Vec::new(),
        pointer_to: None,
    }
}

const S: SlotKind = SlotKind::Scalar;
const R: SlotKind = SlotKind::Ref;

impl Builder {
    pub fn new() -> Builder {
        let mut program = Program::default();
        let mut add = |d: TypeDescriptor| {
            program.types.push(d);
            TypeId(program.types.len() as u32 - 1)
        };
        let string = |name: &str| descriptor(name, TypeKind::String, 16, 16, &[R, S], &[(0, R)]);
        let slice = |name: &str, element| TypeDescriptor {
            comparable: false,
            ..descriptor(
                name,
                TypeKind::Slice { element },
                16,
                16,
                &[R, S],
                &[(0, R)],
            )
        };
        let interface = |name: &str| {
            descriptor(
                name,
                TypeKind::Interface {
                    methods: Vec::new(),
                },
                16,
                16,
                &[S, SlotKind::InterfaceData],
                &[(1, SlotKind::InterfaceData)],
            )
        };
        let bool = add(descriptor("bool", TypeKind::Bool, 1, 1, &[S], &[]));
        let int = add(descriptor("int", TypeKind::Int, 8, 8, &[S], &[]));
        let uint8 = add(descriptor("uint8", TypeKind::Uint8, 1, 1, &[S], &[]));
        let text = add(string("string"));
        let any = add(interface("interface {}"));
        let error = add(interface("error"));
        let known = KnownTypes {
            bool,
            int,
            string: text,
            error,
            any,
            byte_slice: add(slice("[]uint8", uint8)),
            string_slice: add(slice("[]string", text)),
            any_slice: add(slice("[]interface {}", any)),
            runtime_error: add(string("runtime.errorString")),
            bounds_error: add(string("runtime.boundsError")),
            type_assertion_error: add(string("runtime.TypeAssertionError")),
            panic_nil_error: add(string("runtime.PanicNilError")),
            plain_error: add(string("runtime.plainError")),
            panic_text: None,
        };
        let known_extra = Extra {
            int_slice: add(slice("[]int", int)),
        };
        Builder {
            program,
            known,
            known_extra,
        }
    }

    pub fn declare(&mut self, name: &str) -> FunctionId {
        self.program.functions.push(Function {
            name: name.into(),
            ..Function::default()
        });
        FunctionId(self.program.functions.len() as u32 - 1)
    }

    pub fn define(&mut self, id: FunctionId, function: Function) {
        let name = std::mem::take(&mut self.program.functions[id.0 as usize].name);
        self.program.functions[id.0 as usize] = Function { name, ..function };
    }

    /// `main.main`, and the entry that calls it.
    pub fn main(&mut self, function: Function) {
        let main = self.declare("main.main");
        self.define(main, function);
        let entry = self.declare("runtime.main");
        let mut f = Code::new(0);
        f.stop(
            op::Call {
                window: Window(2),
                function: main,
            },
            &[],
        );
        f.emit(op::Return {});
        self.define(entry, f.finish(&[], 2));
        self.program.entry = Some(entry);
    }

    pub fn add_type(&mut self, descriptor: TypeDescriptor) -> TypeId {
        self.program.types.push(descriptor);
        TypeId(self.program.types.len() as u32 - 1)
    }

    pub fn channel(&mut self, element: TypeId) -> TypeId {
        let kind = TypeKind::Channel {
            element,
            direction: ChannelDirection::Both,
        };
        self.add_type(descriptor("chan", kind, 8, 8, &[R], &[(0, R)]))
    }

    pub fn selector(&mut self, name: &str) -> u32 {
        self.program.selectors.push(SelectorName {
            name: name.into(),
            package: String::new(),
            signature: "()".into(),
        });
        self.program.selectors.len() as u32 - 1
    }

    pub fn named_int(&mut self, name: &str, methods: &[(u32, FunctionId)]) -> TypeId {
        let methods = methods
            .iter()
            .map(|(selector, function)| Method {
                selector: *selector,
                name: self.program.selectors[*selector as usize].name.clone(),
                function: *function,
            })
            .collect();
        let plain = descriptor(&format!("main.{name}"), TypeKind::Int, 8, 8, &[S], &[]);
        self.add_type(TypeDescriptor {
            own_name: name.into(),
            package: "main".into(),
            methods,
            ..plain
        })
    }

    pub fn interface(&mut self, name: &str, selectors: &[u32]) -> TypeId {
        let methods = selectors
            .iter()
            .map(|selector| InterfaceMethod {
                selector: *selector,
                name: self.program.selectors[*selector as usize].name.clone(),
            })
            .collect();
        self.add_type(descriptor(
            name,
            TypeKind::Interface { methods },
            16,
            16,
            &[S, SlotKind::InterfaceData],
            &[(1, SlotKind::InterfaceData)],
        ))
    }

    pub fn string(&mut self, text: &str) -> StringId {
        self.program.strings.push(text.as_bytes().to_vec());
        StringId(self.program.strings.len() as u32 - 1)
    }

    /// Adds a `panicText` that returns the text of values whose type is a kind of string.
    pub fn text_of_panics(&mut self) {
        let id = self.declare("runtime.panicText");
        let mut f = Code::new(2);
        f.emit(op::Unpack {
            dst: Run(2),
            src: Pair(0),
            ty: self.known.plain_error,
        });
        f.emit(op::ReturnRun {
            src: Run(2),
            count: Count(2),
        });
        let function = f.finish(&[S, SlotKind::InterfaceData], 6);
        self.define(id, function);
        self.known.panic_text = Some(id);
    }

    pub fn native(&mut self, name: &str) -> NativeId {
        if let Some(index) = self.program.natives.iter().position(|n| n.name == name) {
            return NativeId(index as u32);
        }
        let (int, string) = (self.known.int, self.known.string);
        let (parameters, results, kinds): (Vec<TypeId>, Vec<TypeId>, Vec<SlotKind>) = match name {
            "test.print" => (vec![int], vec![], vec![S]),
            "test.twice" => (vec![string], vec![string], vec![R, S]),
            "test.length" => (vec![string], vec![int], vec![R, S]),
            "test.sleep" => (vec![int], vec![int], vec![S]),
            "test.exit" => (vec![int], vec![], vec![S]),
            _ => (vec![], vec![], vec![]),
        };
        self.program.natives.push(NativeReference {
            name: name.into(),
            parameters,
            results,
            parameter_slots: kinds.len() as u16,
            parameter_kinds: kinds,
        });
        NativeId(self.program.natives.len() as u32 - 1)
    }

    pub fn link(&self, options: VmOptions) -> Result<Vm, LinkError> {
        let mut program = self.program.clone();
        program.known = Some(self.known);
        let mut natives = NativeTable::new();
        natives.add("test", NATIVES);
        Vm::new(program, &natives, options)
    }

    /// Runs it; the exit and what was printed.
    pub fn run(&self, options: VmOptions) -> (Exit, String) {
        let output = Arc::new(Mutex::new(Vec::new()));
        let host = Host::new(
            vec![],
            vec![],
            Box::new(std::io::empty()),
            Box::new(Output(Arc::clone(&output))),
            Box::new(std::io::sink()),
        );
        let vm = self
            .link(VmOptions {
                host: Arc::new(host),
                ..options
            })
            .expect("a sound program");
        let exit = vm.run();
        let output =
            String::from_utf8_lossy(&output.lock().expect("no writer panics")).into_owned();
        (exit, output)
    }
}

struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("no writer panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn print(host: HostHandle, value: i64) {
    let _ = host.write_stdout(format!("{value}\n").as_bytes());
}

fn twice<'h>(context: &mut NativeContext<'h>, text: GoStr<'h>) -> Result<GoStr<'h>, GoPanic> {
    context.new_string(&text.as_bytes().repeat(2))
}

fn length(text: String) -> i64 {
    text.len() as i64
}

fn sleep(context: &mut NativeContext<'_>, nanoseconds: i64) -> Parking<i64> {
    context
        .slice()
        .sleep_until(context.scheduler().now() + nanoseconds);
    Parking::Park(runtime::WaitReason::Sleep, 5)
}

fn yield_now(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Yield(())
}

fn collect(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Collect(())
}

fn goexit(_: &mut NativeContext<'_>) -> Parking<()> {
    Parking::Goexit
}

fn exit(_: &mut NativeContext<'_>, status: i64) -> Parking<()> {
    Parking::Exit(status as i32)
}

golite_vm::natives! {
    blocking "print" => print;
    pure "twice" => twice;
    blocking "length" => length;
    parking "sleep" => sleep;
    parking "yield" => yield_now;
    parking "collect" => collect;
    parking "goexit" => goexit;
    parking "exit" => exit;
}

/// `fib(n)` in one function: parameter r0, result r0.
pub fn fib(b: &mut Builder) -> FunctionId {
    let fib = b.declare("main.fib");
    let mut f = Code::new(1);
    let small = f.asm.new_label();
    f.jump(
        op::JumpIfLtIntImm {
            a: r(0),
            value: Imm16(2),
            to: Jump16(0),
        },
        small,
    );
    f.emit(op::AddIntImm {
        dst: r(3),
        a: r(0),
        value: Imm16(-1),
    });
    f.stop(
        op::Call {
            window: Window(3),
            function: fib,
        },
        &[],
    );
    f.emit(op::AddIntImm {
        dst: r(6),
        a: r(0),
        value: Imm16(-2),
    });
    f.stop(
        op::Call {
            window: Window(6),
            function: fib,
        },
        &[],
    );
    f.emit(op::AddInt {
        dst: r(0),
        a: r(3),
        b: r(6),
    });
    f.asm.bind(small);
    f.emit(op::ReturnOne { src: r(0) });
    b.define(fib, f.finish(&[SlotKind::Scalar], 8));
    fib
}
