//! `reflect.DeepEqual`.
//!
//! Values are walked with a list of pairs that are left, not by recursion: how deep they nest is for the script to say. A pair of
//! references that was met before is taken for equal, so that cycles end. GO: reflect `deepequal.go`.

use std::collections::HashSet;

use bytecode::TypeKind;
use vm::border::{Any, Elements, View};
use vm::native::{GoPanic, NativeContext};

enum Task<'h> {
    Pair(View<'h>, View<'h>),
    /// What is left of two arrays or slices of the same length.
    Elements(Elements<'h>, Elements<'h>),
}

struct Walk<'h> {
    todo: Vec<Task<'h>>,
    /// Addresses of references compared, and their type.
    visited: HashSet<(u64, u64, u64)>,
}

pub(super) fn deep_equal<'h>(
    context: &mut NativeContext<'h>,
    a: Any<'h>,
    b: Any<'h>,
) -> Result<bool, GoPanic> {
    let (Some(first), Some(second)) = (a.view(), b.view()) else {
        return Ok(a.is_nil() && b.is_nil());
    };
    let mut walk = Walk {
        todo: vec![Task::Pair(first, second)],
        visited: HashSet::new(),
    };
    let mut pace = vm::native::Pace::default();
    while let Some(task) = walk.todo.pop() {
        if pace.is_over_after(64) {
            break;
        }
        let pair = match task {
            Task::Pair(a, b) => Some((a, b)),
            Task::Elements(mut a, mut b) => {
                let pair = a.next().zip(b.next());
                if pair.is_some() {
                    walk.todo.push(Task::Elements(a, b));
                }
                pair
            }
        };
        if let Some((a, b)) = pair
            && !walk.step(context, a, b)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

impl<'h> Walk<'h> {
    /// Compares what can be compared at once and notes the rest; false when the two differ.
    fn step(
        &mut self,
        context: &mut NativeContext<'h>,
        a: View<'h>,
        b: View<'h>,
    ) -> Result<bool, GoPanic> {
        if a.ty().word() != b.ty().word() {
            return Ok(false);
        }
        Ok(match a.kind() {
            TypeKind::Array { .. } => {
                self.elements(a, b);
                true
            }
            TypeKind::Slice { .. } => {
                if a.is_nil() != b.is_nil() || a.len() != b.len() {
                    return Ok(false);
                }
                if self.is_new(a, b) {
                    self.elements(a, b);
                }
                true
            }
            TypeKind::Interface { .. } => match (a.contents().view(), b.contents().view()) {
                (Some(x), Some(y)) => {
                    self.todo.push(Task::Pair(x, y));
                    true
                }
                (None, None) => true,
                _ => false,
            },
            TypeKind::Pointer { .. } => {
                if self.is_new(a, b) {
                    match (a.pointee(), b.pointee()) {
                        (Some(x), Some(y)) => self.todo.push(Task::Pair(x, y)),
                        // The same address was no news, so one is nil and the other is not.
                        _ => return Ok(false),
                    }
                }
                true
            }
            TypeKind::Struct { .. } => {
                for index in (0..a.field_count()).rev() {
                    self.todo.push(Task::Pair(a.field(index), b.field(index)));
                }
                true
            }
            TypeKind::Map { .. } => {
                if a.is_nil() != b.is_nil() || a.len() != b.len() {
                    return Ok(false);
                }
                if self.is_new(a, b) {
                    for (key, value) in a.entries(context)? {
                        let key = key.to_any(context)?;
                        // A key that is not equal to itself is found in neither.
                        let (Some(_), Some(other)) = (a.map_get(key)?, b.map_get(key)?) else {
                            return Ok(false);
                        };
                        self.todo.push(Task::Pair(value, other));
                    }
                }
                true
            }
            TypeKind::Function { .. } => a.is_nil() && b.is_nil(),
            TypeKind::String => a.string().as_bytes() == b.string().as_bytes(),
            TypeKind::Float32 | TypeKind::Float64 => a.float() == b.float(),
            TypeKind::Complex64 { .. } | TypeKind::Complex128 { .. } => a.complex() == b.complex(),
            _ => a.uint() == b.uint(),
        })
    }

    /// Whether two references must be followed: they differ, and the pair was not met before.
    fn is_new(&mut self, a: View<'h>, b: View<'h>) -> bool {
        let (x, y) = (a.address(), b.address());
        // Slices of different lengths over the same elements have been told apart already.
        let size = if let TypeKind::Slice { .. } = a.kind() {
            a.len() as u64
        } else {
            0
        };
        x != y
            && self
                .visited
                .insert((x.min(y), x.max(y), a.ty().word() ^ size << 48))
    }

    fn elements(&mut self, a: View<'h>, b: View<'h>) {
        self.todo.push(Task::Elements(a.elements(), b.elements()));
    }
}
