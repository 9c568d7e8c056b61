//! Every function without a body has a native, every native a declaration, and their types agree.
//!
//! Each standard package is checked whole, as if it were the program.

use checker::types::{BasicKind, Type, TypeId};
use checker::{Importer, Options, PackageSource, SourceText, TypedProgram, check_program};
use diagnostics::SourceMap;
use golite_stdlib::{self as stdlib, outline};
use parser::ast::{Ast, Interner};
use parser::parse_file;
use vm::{Native, NativeType};

/// Whole packages.
struct Whole;

impl Importer for Whole {
    fn source(&mut self, path: &str) -> Option<PackageSource> {
        let files: Vec<SourceText> = outline::files(path)
            .into_iter()
            .map(|(name, text)| SourceText {
                name: name.to_string(),
                text: text.to_string(),
            })
            .collect();
        (!files.is_empty()).then_some(PackageSource {
            files,
            standard: true,
        })
    }
}

fn fits(native: &NativeType, program: &TypedProgram, declared: TypeId) -> bool {
    let types = &program.types;
    match (native, types.underlying(declared)) {
        (_, Type::Basic(kind)) => matches!(
            (native, kind),
            (NativeType::Bool, BasicKind::Bool)
                | (NativeType::Int8, BasicKind::Int8)
                | (NativeType::Int16, BasicKind::Int16)
                | (NativeType::Int32, BasicKind::Int32)
                | (NativeType::Int64, BasicKind::Int | BasicKind::Int64)
                | (NativeType::Uint8, BasicKind::Uint8)
                | (NativeType::Uint16, BasicKind::Uint16)
                | (NativeType::Uint32, BasicKind::Uint32)
                | (
                    NativeType::Uint64,
                    BasicKind::Uint | BasicKind::Uint64 | BasicKind::Uintptr
                )
                | (NativeType::Float32, BasicKind::Float32)
                | (NativeType::Float64, BasicKind::Float64)
                | (NativeType::String, BasicKind::String)
        ),
        (NativeType::Slice(element), Type::Slice(declared)) => fits(element, program, *declared),
        (NativeType::Pointer(element), Type::Pointer(declared)) => {
            fits(element, program, *declared)
        }
        (NativeType::Timer, Type::Pointer(declared)) => match types.underlying(*declared) {
            Type::Struct(fields) => {
                fields.len() >= 2
                    && fields[..2]
                        .iter()
                        .all(|field| fits(&NativeType::Uint64, program, field.typ))
            }
            _ => false,
        },
        (NativeType::Type, Type::Pointer(declared)) => types.named(*declared).is_some(),
        (NativeType::Interface, Type::Interface(_)) => true,
        (
            NativeType::Reference,
            Type::Pointer(_) | Type::Map { .. } | Type::Chan { .. } | Type::Signature(_),
        ) => true,
        _ => false,
    }
}

/// What is wrong in one package.
fn disagreements(path: &str, natives: &[Native]) -> Vec<String> {
    let (mut sources, mut ast, mut names) = (SourceMap::new(), Ast::default(), Interner::new());
    let mut wrong = Vec::new();
    let mut files = Vec::new();
    for (name, text) in outline::files(path) {
        let id = sources
            .add(name, text.to_string())
            .expect("a file of moderate length");
        let (file, diagnostics) = parse_file(&mut ast, &mut names, id, sources.text(id));
        if !diagnostics.is_empty() {
            wrong.push(format!("{name}: syntax errors"));
        }
        files.push(file);
    }
    let options = Options {
        path: path.to_string(),
        is_program: false,
        reachable_bodies: false,
        relaxed: false,
        standard: true,
        roots: Vec::new(),
    };
    let (program, diagnostics) = check_program(
        &mut ast,
        &mut names,
        &mut sources,
        files,
        &mut Whole,
        &options,
    );
    for diagnostic in diagnostics.iter() {
        wrong.push(format!("{path}: {}", diagnostic.message));
    }
    let mut declared = Vec::new();
    for function in &program.functions {
        if function.package != program.main || function.body.is_some() {
            continue;
        }
        let name = names
            .text(program.objects[function.object.index()].name)
            .to_string();
        let Some(native) = natives.iter().find(|native| native.name == name) else {
            wrong.push(format!("{path}.{name}: no native"));
            continue;
        };
        let signature = (native.signature)();
        let agree = |natives: &[NativeType], objects: &[checker::types::ObjectId]| {
            natives.len() == objects.len()
                && natives.iter().zip(objects).all(|(native, object)| {
                    fits(native, &program, program.objects[object.index()].typ)
                })
        };
        if !agree(&signature.parameters, &function.parameters)
            || !agree(&signature.results, &function.results)
        {
            wrong.push(format!("{path}.{name}: the native is {signature}"));
        }
        declared.push(name);
    }
    for native in natives {
        let by_compiler =
            path == "runtime" && stdlib::runtime::PRINT_NATIVES.contains(&native.name);
        if !by_compiler && !declared.iter().any(|name| name == native.name) {
            wrong.push(format!("{path}.{}: no declaration", native.name));
        }
    }
    wrong
}

#[test]
fn natives_and_declarations_agree() {
    let mut wrong = Vec::new();
    for path in outline::packages() {
        let natives = stdlib::TABLES
            .iter()
            .find(|(table, _)| *table == path)
            .map_or(&[][..], |(_, natives)| natives);
        wrong.extend(disagreements(path, natives));
    }
    for (path, _) in stdlib::TABLES {
        if !outline::is_standard(path) {
            wrong.push(format!("{path}: natives without a package"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
