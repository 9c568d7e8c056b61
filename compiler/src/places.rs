//! Places: what can be loaded, stored, and have its address taken.
//!
//! A place is evaluated once (its operands are in registers) and may then be used several times, as `x op= y` needs it.

use bytecode::{Count, Count32, GlobalOffset, OptionalRegister, Pair, Register, Run, op};
use checker::typed::SelectionKind;
use checker::types::{Type, TypeId as Ty};
use parser::ast::{Expr, ExprId};

use crate::function::{FunctionCompiler, Location};
use crate::type_descriptors::Access;

/// Absent, for [`OptionalRegister`].
pub(crate) const NONE: OptionalRegister = OptionalRegister(u16::MAX);

/// Where a value is. Registers in it may be those of variables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In registers from this one on; a boxed value: its box.
    Registers(u16),
    /// In the heap, `offset` bytes behind `pointer`.
    Memory { pointer: u16, offset: u32 },
    /// In the globals area.
    Global(u32),
    /// An element of a slice.
    Slice { slice: u16, index: u16 },
    /// `slice[i][j]`, where the elements of the inner slice are words.
    SliceOfSlice { slice: u16, i: u16, j: u16 },
    /// An element of an array that `pointer` leads to.
    Array {
        pointer: u16,
        index: u16,
        length: u32,
    },
    /// The value under a key. The type is the map's.
    Map { map: u16, key: u16, ty: Ty },
}

impl FunctionCompiler<'_, '_> {
    /// The place that an addressable expression or map index denotes; for other expressions, where their value is.
    pub(crate) fn place(&mut self, e: ExprId) -> Place {
        stacker::maybe_grow(64 << 10, 1 << 20, || self.place_of(e))
    }

    fn place_of(&mut self, e: ExprId) -> Place {
        let e = self.c.ast.unparen(e);
        if let Some(&register) = self.hoisted.get(&e) {
            return Place::Registers(register);
        }
        match *self.c.ast.expr(e) {
            Expr::Ident(_) => {
                if let Some(place) = self
                    .c
                    .typed
                    .object_of(e)
                    .and_then(|object| self.variable_place(object))
                {
                    return place;
                }
                Place::Registers(self.operand(e))
            }
            Expr::Star(pointer) => {
                let register = self.operand(pointer);
                self.at(self.c.ast.range(e));
                Place::Memory {
                    pointer: register,
                    offset: 0,
                }
            }
            Expr::Selector { operand, name } => {
                let Some(selection) = self.c.selection(e) else {
                    // A qualified identifier.
                    if let Some(place) = self
                        .c
                        .typed
                        .object_of(name)
                        .and_then(|object| self.variable_place(object))
                    {
                        return place;
                    }
                    return Place::Registers(self.value_operand(e));
                };
                if selection.kind != SelectionKind::Field {
                    return Place::Registers(self.value_operand(e));
                }
                let place = self.place(operand);
                let from = self.type_of(operand);
                self.at(self.c.ast.range(name));
                self.walk_path(place, from, &selection.path).0
            }
            Expr::Index { operand, indices } => {
                self.note_unsigned(e, &[self.c.ast.list(indices).first().copied()]);
                let index = self.c.ast.list(indices)[0];
                let container = self.type_of(operand);
                match self.c.typed.types.underlying(container).clone() {
                    Type::Slice(element) => self.slice_element(e, operand, index, element),
                    Type::Array(element, length) => {
                        let place = self.place(operand);
                        self.array_element(e, place, container, element, length, index)
                    }
                    Type::Pointer(base) => {
                        let Type::Array(element, length) = *self.c.typed.types.underlying(base)
                        else {
                            return Place::Registers(self.value_operand(e));
                        };
                        let pointer = self.operand(operand);
                        let place = Place::Memory { pointer, offset: 0 };
                        self.array_element(e, place, base, element, length, index)
                    }
                    Type::Map { key, .. } => {
                        let map = self.operand(operand);
                        let key = self.operand_as(index, key);
                        self.at(self.c.ast.range(e));
                        Place::Map {
                            map,
                            key,
                            ty: container,
                        }
                    }
                    _ => Place::Registers(self.value_operand(e)),
                }
            }
            _ => Place::Registers(self.value_operand(e)),
        }
    }

    /// The place of a variable, local or of a package.
    pub(crate) fn variable_place(&mut self, object: checker::types::ObjectId) -> Option<Place> {
        match self.location(object) {
            Some(Location::Registers(register)) => Some(Place::Registers(register)),
            Some(Location::Cell(pointer)) => Some(Place::Memory { pointer, offset: 0 }),
            None if self.is_package_variable(object) => Some(Place::Global(self.c.global(object))),
            None => None,
        }
    }

    fn slice_element(&mut self, e: ExprId, operand: ExprId, index: ExprId, element: Ty) -> Place {
        // a[i][j] of words: one instruction loads the inner header and the element.
        let inner = self.c.ast.unparen(operand);
        if let Expr::Index {
            operand: outer,
            indices,
        } = *self.c.ast.expr(inner)
            && !self.hoisted.contains_key(&inner)
            && self.layout(element).access == Access::Word
            && matches!(
                self.c.typed.types.underlying(self.type_of(outer)),
                Type::Slice(_)
            )
            // The panics of both indices show them alike.
            && let first = self.c.ast.list(indices)[0]
            && self.is_wide_unsigned(first) == self.is_wide_unsigned(index)
        {
            let slice = self.operand(outer);
            let i = self.operand(first);
            let j = self.operand(index);
            self.at(self.c.ast.range(e));
            return Place::SliceOfSlice { slice, i, j };
        }
        let slice = self.operand(operand);
        let index = self.operand(index);
        self.at(self.c.ast.range(e));
        Place::Slice { slice, index }
    }

    fn array_element(
        &mut self,
        e: ExprId,
        place: Place,
        array: Ty,
        element: Ty,
        length: i64,
        index: ExprId,
    ) -> Place {
        let size = self.layout(element).size;
        let (pointer, offset) = self.address_parts(place, array);
        if let Some(constant) = self
            .c
            .typed
            .constant(index)
            .and_then(|value| value.to_int().as_i64())
            && (0..length).contains(&constant)
        {
            return Place::Memory {
                pointer,
                // Wraps only for a type that is refused as too large.
                offset: offset.wrapping_add((constant as u32).wrapping_mul(size)),
            };
        }
        let index = self.operand(index);
        self.at(self.c.ast.range(e));
        let pointer = self.add_offset(pointer, offset);
        Place::Array {
            pointer,
            index,
            length: length as u32,
        }
    }

    /// `pointer + offset` in a register.
    pub(crate) fn add_offset(&mut self, pointer: u16, offset: u32) -> u16 {
        if offset == 0 {
            return pointer;
        }
        let dst = self.reference();
        self.emit(op::FieldAddress {
            dst: Register(dst),
            pointer: Register(pointer),
            offset: Count32(offset),
        });
        self.registers.written(dst, 1);
        dst
    }

    /// Follows field indices, through pointers on the way, from a value of type `ty` at `place`.
    pub(crate) fn walk_path(&mut self, mut place: Place, mut ty: Ty, path: &[u32]) -> (Place, Ty) {
        for &index in path {
            if let Some(base) = self.c.typed.types.as_pointer(ty) {
                let pointer = self.load_operand(place, ty);
                place = Place::Memory { pointer, offset: 0 };
                ty = base;
            }
            let layout = self.layout(ty);
            let field = layout.fields[index as usize];
            if let Place::Map { .. } = place {
                place = Place::Registers(self.load_operand(place, ty));
            }
            place = match place {
                Place::Registers(register) if !layout.boxed() => {
                    Place::Registers(register + field.slot)
                }
                Place::Global(offset) => Place::Global(offset + field.offset),
                place => {
                    let (pointer, offset) = self.address_parts(place, ty);
                    Place::Memory {
                        pointer,
                        offset: offset + field.offset,
                    }
                }
            };
            ty = self.c.typed.types.canonical(field.ty);
        }
        (place, ty)
    }

    /// A pointer register and an offset that lead to a value of type `ty` in memory. A flat value in registers has no
    /// address; one is made by putting a copy into the heap (only constants of wrong programs get there).
    pub(crate) fn address_parts(&mut self, place: Place, ty: Ty) -> (u16, u32) {
        match place {
            Place::Memory { pointer, offset } => (pointer, offset),
            Place::Registers(register) if self.layout(ty).boxed() => (register, 0),
            Place::Registers(register) => {
                let cell = self.reference();
                let id = self.c.descriptor(ty);
                self.emit(op::New {
                    dst: Register(cell),
                    ty: id,
                });
                self.registers.written(cell, 1);
                self.store_memory(ty, register, cell, 0);
                (cell, 0)
            }
            Place::Map { .. } => {
                let register = self.load_operand(place, ty);
                self.address_parts(Place::Registers(register), ty)
            }
            Place::Global(at) => {
                let dst = self.reference();
                self.emit(op::GlobalAddress {
                    dst: Register(dst),
                    at: GlobalOffset(at),
                });
                self.registers.written(dst, 1);
                (dst, 0)
            }
            Place::Slice { slice, index } => {
                let size = self.layout(ty).size;
                let dst = self.reference();
                self.emit(op::SliceAddress {
                    dst: Register(dst),
                    slice: Pair(slice),
                    index: Register(index),
                    size: Count32(size),
                });
                self.registers.written(dst, 1);
                (dst, 0)
            }
            Place::SliceOfSlice { slice, i, j } => {
                let inner = self
                    .registers
                    .allocate(&[bytecode::SlotKind::Ref, bytecode::SlotKind::Scalar]);
                self.emit(op::SliceGetPair {
                    dst: Pair(inner),
                    slice: Pair(slice),
                    index: Register(i),
                });
                self.registers.written(inner, 2);
                self.address_parts(
                    Place::Slice {
                        slice: inner,
                        index: j,
                    },
                    ty,
                )
            }
            Place::Array {
                pointer,
                index,
                length,
            } => {
                let size = self.layout(ty).size;
                let dst = self.reference();
                self.emit(op::ArrayAddress {
                    dst: Register(dst),
                    array: Register(pointer),
                    index: Register(index),
                    length: Count32(length),
                    size: Count32(size),
                });
                self.registers.written(dst, 1);
                (dst, 0)
            }
        }
    }

    /// The address of a place, as a pointer value: nil pointers panic even without an offset.
    pub(crate) fn address_into(&mut self, place: Place, ty: Ty, dst: u16) {
        match place {
            Place::Memory { pointer, offset: 0 } if self.registers.is_cell(pointer) => {
                self.move_slots(pointer, dst, 1);
            }
            Place::Memory { pointer, offset } => {
                self.emit(op::FieldAddress {
                    dst: Register(dst),
                    pointer: Register(pointer),
                    offset: Count32(offset),
                });
            }
            Place::Global(at) => {
                _ = self.emit(op::GlobalAddress {
                    dst: Register(dst),
                    at: GlobalOffset(at),
                })
            }
            Place::Slice { slice, index } => {
                let size = Count32(self.layout(ty).size);
                self.emit(op::SliceAddress {
                    dst: Register(dst),
                    slice: Pair(slice),
                    index: Register(index),
                    size,
                });
            }
            Place::Array {
                pointer,
                index,
                length,
            } => {
                let (size, length) = (Count32(self.layout(ty).size), Count32(length));
                let (dst, array, index) = (Register(dst), Register(pointer), Register(index));
                self.emit(op::ArrayAddress {
                    dst,
                    array,
                    index,
                    length,
                    size,
                });
            }
            _ => {
                let (pointer, offset) = self.address_parts(place, ty);
                let pointer = self.add_offset(pointer, offset);
                self.move_slots(pointer, dst, 1);
            }
        }
    }

    // ---- loading ----

    /// The value at a place in registers, borrowed: a variable's own, the address of a boxed value, or a temporary.
    pub(crate) fn load_operand(&mut self, place: Place, ty: Ty) -> u16 {
        if let Place::Registers(register) = place {
            return register;
        }
        let layout = self.layout(ty);
        if layout.boxed() && !matches!(place, Place::Map { .. }) {
            let (pointer, offset) = self.address_parts(place, ty);
            if offset == 0
                && matches!(place, Place::Memory { .. })
                && !self.registers.is_cell(pointer)
            {
                // Who reads through a borrowed box does not ask.
                self.emit(op::CheckNil {
                    pointer: Register(pointer),
                });
            }
            return self.add_offset(pointer, offset);
        }
        let dst = self.registers.allocate(&layout.slots);
        let mark = self.registers.mark();
        self.load_into(place, ty, dst);
        self.registers.release(mark);
        self.registers.written(dst, layout.slots.len());
        dst
    }

    /// An owned copy of the value at a place.
    pub(crate) fn load_into(&mut self, place: Place, ty: Ty, dst: u16) {
        let layout = self.layout(ty);
        match place {
            Place::Registers(register) if layout.boxed() => {
                let id = self.c.descriptor(ty);
                self.emit(op::Clone {
                    dst: Register(dst),
                    src: Register(register),
                    ty: id,
                });
            }
            Place::Registers(register) => self.move_slots(register, dst, layout.slots.len()),
            Place::Memory { pointer, offset } => self.load_memory_owned(ty, pointer, offset, dst),
            Place::Global(at) => self.load_global(ty, at, dst),
            Place::Slice { slice, index } => {
                let (slice, index) = (Pair(slice), Register(index));
                let (register, pair) = (Register(dst), Pair(dst));
                match layout.access {
                    Access::Int8 => {
                        _ = self.emit(op::SliceGetInt8 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Uint8 => {
                        _ = self.emit(op::SliceGetUint8 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Int16 => {
                        _ = self.emit(op::SliceGetInt16 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Uint16 => {
                        _ = self.emit(op::SliceGetUint16 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Int32 => {
                        _ = self.emit(op::SliceGetInt32 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Uint32 => {
                        _ = self.emit(op::SliceGetUint32 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Word => {
                        _ = self.emit(op::SliceGetWord {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Float32 => {
                        _ = self.emit(op::SliceGetFloat32 {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Ref => {
                        _ = self.emit(op::SliceGetRef {
                            dst: register,
                            slice,
                            index,
                        })
                    }
                    Access::Pair | Access::Interface => {
                        _ = self.emit(op::SliceGetPair {
                            dst: pair,
                            slice,
                            index,
                        })
                    }
                    Access::Empty | Access::Value | Access::Boxed => {
                        self.load_through_address(place, ty, dst)
                    }
                }
            }
            Place::SliceOfSlice { slice, i, j } if layout.access == Access::Word => {
                self.emit(op::SliceGetWord2 {
                    dst: Register(dst),
                    slice: Pair(slice),
                    i: Register(i),
                    j: Register(j),
                });
            }
            Place::SliceOfSlice { .. } => self.load_through_address(place, ty, dst),
            Place::Array {
                pointer,
                index,
                length,
            } => {
                let (array, index, length) = (Register(pointer), Register(index), Count32(length));
                let (register, pair) = (Register(dst), Pair(dst));
                match layout.access {
                    Access::Int8 => {
                        _ = self.emit(op::ArrayGetInt8 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Uint8 => {
                        _ = self.emit(op::ArrayGetUint8 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Int16 => {
                        _ = self.emit(op::ArrayGetInt16 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Uint16 => {
                        _ = self.emit(op::ArrayGetUint16 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Int32 => {
                        _ = self.emit(op::ArrayGetInt32 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Uint32 => {
                        _ = self.emit(op::ArrayGetUint32 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Word => {
                        _ = self.emit(op::ArrayGetWord {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Float32 => {
                        _ = self.emit(op::ArrayGetFloat32 {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Ref => {
                        _ = self.emit(op::ArrayGetRef {
                            dst: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Pair | Access::Interface => {
                        self.emit(op::ArrayGetPair {
                            dst: pair,
                            array,
                            index,
                            length,
                        });
                    }
                    Access::Empty | Access::Value | Access::Boxed => {
                        self.load_through_address(place, ty, dst)
                    }
                }
            }
            Place::Map {
                map,
                key,
                ty: map_type,
            } => self.map_get(map_type, map, key, dst, None),
        }
    }

    fn load_through_address(&mut self, place: Place, ty: Ty, dst: u16) {
        self.scoped(|f| {
            let (pointer, offset) = f.address_parts(place, ty);
            f.load_memory_owned(ty, pointer, offset, dst);
        });
    }

    /// Loads from the heap; a boxed value is copied into a box of its own.
    pub(crate) fn load_memory_owned(&mut self, ty: Ty, pointer: u16, offset: u32, dst: u16) {
        let layout = self.layout(ty);
        let Ok(near) = u16::try_from(offset) else {
            self.scoped(|f| {
                let pointer = f.add_offset(pointer, offset);
                f.load_memory_owned(ty, pointer, 0, dst);
            });
            return;
        };
        let (register, pointer_register, offset) = (Register(dst), Register(pointer), Count(near));
        let pointer = pointer_register;
        match layout.access {
            Access::Empty => _ = self.emit(op::CheckNil { pointer }),
            Access::Int8 => {
                _ = self.emit(op::LoadInt8 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Uint8 => {
                _ = self.emit(op::LoadUint8 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Int16 => {
                _ = self.emit(op::LoadInt16 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Uint16 => {
                _ = self.emit(op::LoadUint16 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Int32 => {
                _ = self.emit(op::LoadInt32 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Uint32 => {
                _ = self.emit(op::LoadUint32 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Word => {
                _ = self.emit(op::LoadWord {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Float32 => {
                _ = self.emit(op::LoadFloat32 {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Ref => {
                _ = self.emit(op::LoadRef {
                    dst: register,
                    pointer,
                    offset,
                })
            }
            Access::Pair | Access::Interface => {
                _ = self.emit(op::LoadPair {
                    dst: Pair(dst),
                    pointer,
                    offset,
                })
            }
            Access::Value => {
                let ty = self.c.descriptor(ty);
                self.emit(op::LoadValue {
                    dst: Run(dst),
                    pointer,
                    offset,
                    ty,
                });
            }
            Access::Boxed => {
                let id = self.c.descriptor(ty);
                self.scoped(|f| {
                    let src = f.add_offset(pointer.0, u32::from(near));
                    f.emit(op::Clone {
                        dst: register,
                        src: Register(src),
                        ty: id,
                    });
                });
            }
        }
    }

    fn load_global(&mut self, ty: Ty, at: u32, dst: u16) {
        let offset = GlobalOffset(at);
        match self.layout(ty).access {
            Access::Word => {
                _ = self.emit(op::LoadGlobalWord {
                    dst: Register(dst),
                    at: offset,
                })
            }
            Access::Ref => {
                _ = self.emit(op::LoadGlobalRef {
                    dst: Register(dst),
                    at: offset,
                })
            }
            Access::Pair | Access::Interface => {
                _ = self.emit(op::LoadGlobalPair {
                    dst: Pair(dst),
                    at: offset,
                })
            }
            Access::Empty => {}
            _ => self.load_through_address(Place::Global(at), ty, dst),
        }
    }

    // ---- storing ----

    /// Stores a value from registers. `owned`: a box may be taken over instead of copied.
    pub(crate) fn store(&mut self, place: Place, ty: Ty, src: u16, owned: bool) {
        let layout = self.layout(ty);
        match place {
            Place::Registers(register) if layout.boxed() => {
                if owned {
                    self.move_slots(src, register, 1);
                } else {
                    let id = self.c.descriptor(ty);
                    self.emit(op::CopyMemory {
                        dst: Register(register),
                        src: Register(src),
                        ty: id,
                    });
                }
            }
            Place::Registers(register) => self.move_slots(src, register, layout.slots.len()),
            Place::Memory { pointer, offset } => self.store_memory(ty, src, pointer, offset),
            Place::Global(at) => {
                let offset = GlobalOffset(at);
                match layout.access {
                    Access::Word => {
                        _ = self.emit(op::StoreGlobalWord {
                            src: Register(src),
                            at: offset,
                        })
                    }
                    Access::Ref => {
                        _ = self.emit(op::StoreGlobalRef {
                            src: Register(src),
                            at: offset,
                        })
                    }
                    Access::Pair => {
                        _ = self.emit(op::StoreGlobalPair {
                            src: Pair(src),
                            at: offset,
                        })
                    }
                    Access::Interface => {
                        _ = self.emit(op::StoreGlobalInterface {
                            src: Pair(src),
                            at: offset,
                        })
                    }
                    Access::Empty => {}
                    _ => self.store_through_address(place, ty, src),
                }
            }
            Place::Slice { slice, index } => {
                let (slice, index, register) = (Pair(slice), Register(index), Register(src));
                match layout.access {
                    Access::Int8 | Access::Uint8 => {
                        _ = self.emit(op::SliceSet8 {
                            src: register,
                            slice,
                            index,
                        })
                    }
                    Access::Int16 | Access::Uint16 => {
                        _ = self.emit(op::SliceSet16 {
                            src: register,
                            slice,
                            index,
                        })
                    }
                    Access::Int32 | Access::Uint32 => {
                        _ = self.emit(op::SliceSet32 {
                            src: register,
                            slice,
                            index,
                        })
                    }
                    Access::Word => {
                        _ = self.emit(op::SliceSetWord {
                            src: register,
                            slice,
                            index,
                        })
                    }
                    Access::Float32 => {
                        _ = self.emit(op::SliceSetFloat32 {
                            src: register,
                            slice,
                            index,
                        })
                    }
                    Access::Ref => {
                        _ = self.emit(op::SliceSetRef {
                            src: register,
                            slice,
                            index,
                        })
                    }
                    Access::Pair => {
                        _ = self.emit(op::SliceSetPair {
                            src: Pair(src),
                            slice,
                            index,
                        })
                    }
                    Access::Interface => {
                        _ = self.emit(op::SliceSetInterface {
                            src: Pair(src),
                            slice,
                            index,
                        })
                    }
                    Access::Empty | Access::Value | Access::Boxed => {
                        self.store_through_address(place, ty, src)
                    }
                }
            }
            Place::SliceOfSlice { slice, i, j } if layout.access == Access::Word => {
                self.emit(op::SliceSetWord2 {
                    src: Register(src),
                    slice: Pair(slice),
                    i: Register(i),
                    j: Register(j),
                });
            }
            Place::SliceOfSlice { .. } => self.store_through_address(place, ty, src),
            Place::Array {
                pointer,
                index,
                length,
            } => {
                let (array, index, length, register) = (
                    Register(pointer),
                    Register(index),
                    Count32(length),
                    Register(src),
                );
                match layout.access {
                    Access::Int8 | Access::Uint8 => {
                        self.emit(op::ArraySet8 {
                            src: register,
                            array,
                            index,
                            length,
                        });
                    }
                    Access::Int16 | Access::Uint16 => {
                        self.emit(op::ArraySet16 {
                            src: register,
                            array,
                            index,
                            length,
                        });
                    }
                    Access::Int32 | Access::Uint32 => {
                        self.emit(op::ArraySet32 {
                            src: register,
                            array,
                            index,
                            length,
                        });
                    }
                    Access::Word => {
                        _ = self.emit(op::ArraySetWord {
                            src: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Float32 => {
                        _ = self.emit(op::ArraySetFloat32 {
                            src: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Ref => {
                        _ = self.emit(op::ArraySetRef {
                            src: register,
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Pair => {
                        _ = self.emit(op::ArraySetPair {
                            src: Pair(src),
                            array,
                            index,
                            length,
                        })
                    }
                    Access::Interface => {
                        self.emit(op::ArraySetInterface {
                            src: Pair(src),
                            array,
                            index,
                            length,
                        });
                    }
                    Access::Empty | Access::Value | Access::Boxed => {
                        self.store_through_address(place, ty, src)
                    }
                }
            }
            Place::Map {
                map,
                key,
                ty: map_type,
            } => {
                let id = self.c.descriptor(map_type);
                self.emit(op::MapSet {
                    map: Register(map),
                    key: Run(key),
                    src: Run(src),
                    ty: id,
                });
            }
        }
    }

    fn store_through_address(&mut self, place: Place, ty: Ty, src: u16) {
        self.scoped(|f| {
            let (pointer, offset) = f.address_parts(place, ty);
            f.store_memory(ty, src, pointer, offset);
        });
    }

    /// Stores to the heap.
    pub(crate) fn store_memory(&mut self, ty: Ty, src: u16, pointer: u16, offset: u32) {
        let layout = self.layout(ty);
        let Ok(near) = u16::try_from(offset) else {
            self.scoped(|f| {
                let pointer = f.add_offset(pointer, offset);
                f.store_memory(ty, src, pointer, 0);
            });
            return;
        };
        let (register, offset) = (Register(src), Count(near));
        let pointer = Register(pointer);
        match layout.access {
            Access::Empty => _ = self.emit(op::CheckNil { pointer }),
            Access::Int8 | Access::Uint8 => {
                _ = self.emit(op::Store8 {
                    src: register,
                    pointer,
                    offset,
                })
            }
            Access::Int16 | Access::Uint16 => {
                _ = self.emit(op::Store16 {
                    src: register,
                    pointer,
                    offset,
                })
            }
            Access::Int32 | Access::Uint32 => {
                _ = self.emit(op::Store32 {
                    src: register,
                    pointer,
                    offset,
                })
            }
            Access::Word => {
                _ = self.emit(op::StoreWord {
                    src: register,
                    pointer,
                    offset,
                })
            }
            Access::Float32 => {
                _ = self.emit(op::StoreFloat32 {
                    src: register,
                    pointer,
                    offset,
                })
            }
            Access::Ref => {
                _ = self.emit(op::StoreRef {
                    src: register,
                    pointer,
                    offset,
                })
            }
            Access::Pair => {
                _ = self.emit(op::StorePair {
                    src: Pair(src),
                    pointer,
                    offset,
                })
            }
            Access::Interface => {
                _ = self.emit(op::StoreInterface {
                    src: Pair(src),
                    pointer,
                    offset,
                })
            }
            Access::Value => {
                let ty = self.c.descriptor(ty);
                self.emit(op::StoreValue {
                    src: Run(src),
                    pointer,
                    offset,
                    ty,
                });
            }
            Access::Boxed => {
                let id = self.c.descriptor(ty);
                self.scoped(|f| {
                    let dst = f.add_offset(pointer.0, u32::from(near));
                    f.emit(op::CopyMemory {
                        dst: Register(dst),
                        src: register,
                        ty: id,
                    });
                });
            }
        }
    }

    // ---- maps ----

    /// `dst = map[key]`, with `ok` wanted or not.
    pub(crate) fn map_get(&mut self, map_type: Ty, map: u16, key: u16, dst: u16, ok: Option<u16>) {
        let Type::Map {
            key: key_type,
            element,
        } = *self.c.typed.types.underlying(map_type)
        else {
            return;
        };
        let ty = self.c.descriptor(map_type);
        let key_layout = self.layout(key_type);
        let element_layout = self.layout(element);
        let map = Register(map);
        let is_float = self.c.typed.types.is_float(key_type);
        let word_key = !is_float
            && self.c.typed.types.basic(key_type).is_some()
            && matches!(
                key_layout.access,
                Access::Int8
                    | Access::Uint8
                    | Access::Int16
                    | Access::Uint16
                    | Access::Int32
                    | Access::Uint32
                    | Access::Word
            );
        let string_key = self.c.typed.types.is_string(key_type);
        let to_word = element_layout.access == Access::Word;
        match ok.map(Register) {
            None if word_key && to_word => {
                self.emit(op::MapGetWord {
                    dst: Register(dst),
                    map,
                    key: Register(key),
                    ty,
                });
            }
            None if string_key => {
                _ = self.emit(op::MapGetString {
                    dst: Run(dst),
                    map,
                    key: Pair(key),
                    ty,
                })
            }
            None => {
                _ = self.emit(op::MapGet {
                    dst: Run(dst),
                    map,
                    key: Run(key),
                    ty,
                })
            }
            Some(ok) if word_key && to_word => {
                self.emit(op::MapGetWordOk {
                    dst: Register(dst),
                    ok,
                    map,
                    key: Register(key),
                    ty,
                });
            }
            Some(ok) if string_key => {
                self.emit(op::MapGetStringOk {
                    dst: Run(dst),
                    ok,
                    map,
                    key: Pair(key),
                    ty,
                });
            }
            Some(ok) => {
                _ = self.emit(op::MapGetOk {
                    dst: Run(dst),
                    ok,
                    map,
                    key: Run(key),
                    ty,
                })
            }
        }
    }
}
