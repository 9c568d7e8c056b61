//! Types that Go's compiler finds too large, after its type checker: arrays beyond the address space, elements of channels, parameters.
//!
//! What is written is noted while types are checked, and looked at when nothing else is wrong: then every type is finite and known.
//!
//! GO: cmd/compile/internal/types size.go `CalcSize`, cmd/compile/internal/ssagen pgen.go `largeStack`.

use diagnostics::{Code, TextRange};
use parser::ast::{Expr, ExprId};
use rustc_hash::FxHashMap;

use crate::checker::{Checker, with_stack};
use crate::types::{Type, TypeId, Types};

/// Where an array or a channel type was written.
#[derive(Debug)]
pub(crate) struct Sized {
    pub(crate) typ: TypeId,
    pub(crate) range: TextRange,
}

/// GO: `types.MaxWidth`
const ADDRESS_SPACE: u64 = 1 << 50;
/// Larger elements channels do not take.
const LARGEST_ELEMENT: u64 = 1 << 16;
/// GO: `ir.MaxStackSize`
const LARGEST_FRAME: u64 = 1 << 30;
/// Arrays of no more elements are not worth a note.
const FEW: i64 = 64;

/// Sizes of types that hold others inline.
type Sizes = FxHashMap<TypeId, Option<(u64, u64)>>;

impl Types {
    /// Size and alignment of a type; `None` of one that mentions type parameters. Sizes beyond 64 bits are `u64::MAX`.
    fn size(&self, typ: TypeId, known: &mut Sizes) -> Option<(u64, u64)> {
        let typ = self.canonical(self.underlying_id(typ));
        match self.get(typ) {
            Type::Basic(kind) => {
                let bytes = match u64::from(kind.bits()) / 8 {
                    0 if kind.is_string() => return Some((16, 8)),
                    0 => 1,
                    16 => return Some((16, 8)),
                    bytes => bytes,
                };
                let align = if kind.is_complex() { bytes / 2 } else { bytes };
                Some((bytes, align))
            }
            Type::Slice(_) => Some((24, 8)),
            Type::Interface(_) => Some((16, 8)),
            Type::TypeParameter(_) => None,
            Type::Array(..) | Type::Struct(_) => {
                if let Some(size) = known.get(&typ) {
                    return *size;
                }
                let size = with_stack(|| self.inline_size(typ, known));
                known.insert(typ, size);
                size
            }
            _ => Some((8, 8)),
        }
    }

    fn inline_size(&self, typ: TypeId, known: &mut Sizes) -> Option<(u64, u64)> {
        match self.get(typ) {
            Type::Array(element, length) => {
                let (bytes, align) = self.size(*element, known)?;
                let length = u64::try_from(*length).unwrap_or(0);
                Some((bytes.saturating_mul(length), align))
            }
            Type::Struct(fields) => {
                let (mut end, mut largest, mut last) = (0u64, 1, 1);
                for field in fields {
                    let (bytes, align) = self.size(field.typ, known)?;
                    end = padded(end, align).saturating_add(bytes);
                    largest = align.max(largest);
                    last = bytes;
                }
                // The address after a last field of no size must lie in the object.
                end = end.saturating_add(u64::from(last == 0 && end > 0));
                Some((padded(end, largest), largest))
            }
            _ => None,
        }
    }
}

fn padded(size: u64, align: u64) -> u64 {
    size.checked_next_multiple_of(align).unwrap_or(u64::MAX)
}

impl Checker<'_> {
    /// Notes that an array or channel type was written, if it may be too large.
    pub(crate) fn note_size(&mut self, expr: ExprId, typ: TypeId) {
        let types = &self.program.types;
        match *types.get(typ) {
            Type::Array(_, length) if length > FEW => self.has_long_arrays = true,
            Type::Array(..) if !self.has_long_arrays => return,
            Type::Chan { element, .. }
                if !matches!(
                    types.get(element),
                    Type::Named(_) | Type::Array(..) | Type::Struct(_) | Type::Alias { .. }
                ) =>
            {
                return;
            }
            _ => {}
        }
        if self.program.package(self.env.package).standard {
            return;
        }
        // GO: at what is being declared.
        let declared = match *self.ast.expr(expr) {
            Expr::ArrayType { .. } | Expr::ChanType { .. } => self.path.last(),
            _ => None,
        };
        let range = declared.and_then(|object| self.object(*object).range);
        let range = range.unwrap_or_else(|| self.range(expr));
        self.written_sizes.push(Sized { typ, range });
    }

    /// Reports the types that are too large.
    pub(crate) fn check_sizes(&mut self) {
        if !self.has_long_arrays {
            self.written_sizes.clear();
            return;
        }
        let mut sizes = Sizes::default();
        let mut seen = rustc_hash::FxHashSet::default();
        let mut is_large = false;
        for Sized { typ, range } in std::mem::take(&mut self.written_sizes) {
            let types = &self.program.types;
            match *types.get(typ) {
                Type::Chan { element, .. } => {
                    let size = types.size(element, &mut sizes);
                    if size.is_some_and(|(bytes, _)| bytes >= LARGEST_ELEMENT) && seen.insert(range)
                    {
                        let message = "channel element type too large (>64kB)";
                        self.late_errors
                            .push((Code::TooLarge, range, message.to_owned()));
                    }
                }
                _ => {
                    let Some((bytes, _)) = types.size(typ, &mut sizes) else {
                        continue;
                    };
                    is_large |= bytes > LARGEST_FRAME / 1024;
                    if bytes >= ADDRESS_SPACE && seen.insert(range) {
                        let message =
                            format!("type {} larger than address space", self.type_text(typ));
                        self.late_errors.push((Code::TooLarge, range, message));
                    }
                }
            }
        }
        if is_large && self.late_errors.is_empty() {
            self.check_frames(&mut sizes);
        }
    }

    /// Reports functions whose parameters and results are too large for a stack.
    fn check_frames(&mut self, sizes: &mut Sizes) {
        for function in &self.program.functions {
            let variables = function.receiver.iter();
            let variables = variables.chain(&function.parameters);
            let mut bytes = 0u64;
            for object in variables.chain(&function.results) {
                let typ = self.program.objects[object.index()].typ;
                let Some((size, align)) = self.program.types.size(typ, sizes) else {
                    bytes = 0;
                    break;
                };
                bytes = padded(bytes, align).saturating_add(size);
            }
            let range = self.program.objects[function.object.index()].range;
            if let Some(range) = range.filter(|_| bytes >= LARGEST_FRAME) {
                let megabytes = bytes >> 20;
                let message =
                    format!("stack frame too large (>1GB): 0 MB locals + {megabytes} MB args");
                self.late_errors.push((Code::TooLarge, range, message));
            }
        }
    }
}
