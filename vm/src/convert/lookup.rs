//! Types of a program by what Go's sources call them.

use bytecode::ChannelDirection;

use crate::heap::Heap;
use crate::image::Image;
use crate::types::RuntimeType;

/// How deep a type may be nested.
const DEPTH: usize = 64;

impl Image {
    /// The type that a text such as `map[string][]Point` means: a name without a package is predeclared, or one of the program's first package, or
    /// else of any package. `None`: the program has no such type, and nothing to make it of.
    pub fn type_of_text(&self, heap: &Heap, text: &str) -> Option<&RuntimeType> {
        self.parsed(heap, text.trim(), DEPTH)
    }

    fn parsed(&self, heap: &Heap, text: &str, depth: usize) -> Option<&RuntimeType> {
        let depth = depth.checked_sub(1)?;
        let of = |text: &str| self.parsed(heap, text.trim(), depth);
        if let Some(rest) = text.strip_prefix("[]") {
            return self.slice_of(heap, of(rest)?).ok();
        }
        if let Some(rest) = text.strip_prefix('*') {
            return self.pointer_to(heap, of(rest)?).ok();
        }
        if let Some(rest) = text.strip_prefix("map[") {
            let mut open = 1usize;
            let end = rest.find(|c| {
                open = match c {
                    '[' => open + 1,
                    ']' => open - 1,
                    _ => open,
                };
                open == 0
            })?;
            let (key, value) = (of(&rest[..end])?, of(&rest[end + 1..])?);
            return (key.comparable)
                .then(|| self.map_of(heap, key, value).ok())
                .flatten();
        }
        for (prefix, direction) in [
            ("<-chan ", ChannelDirection::Receive),
            ("chan<- ", ChannelDirection::Send),
            ("chan ", ChannelDirection::Both),
        ] {
            if let Some(rest) = text.strip_prefix(prefix) {
                return self.channel_of(heap, direction, of(rest)?).ok();
            }
        }
        if let Some((length, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            return self.array_of(heap, length.parse().ok()?, of(rest)?).ok();
        }
        self.named(text)
    }

    /// The type with this name.
    fn named(&self, name: &str) -> Option<&RuntimeType> {
        let known = &self.known;
        match name {
            "any" | "interface {}" | "interface{}" => return Some(self.ty(known.any)),
            "error" => return Some(self.ty(known.error)),
            _ => {}
        }
        let name = match name {
            "byte" => "uint8",
            "rune" => "int32",
            other => other,
        };
        let types = || (0..self.types().len()).map(|id| self.ty(bytecode::TypeId(id as u32)));
        types()
            .find(|ty| ty.name() == name)
            .or_else(|| {
                let main = format!("main.{name}");
                types().find(|ty| ty.name() == main)
            })
            .or_else(|| types().find(|ty| ty.descriptor.own_name == name))
    }
}
