//! How slices grow: Go's rule, size classes of Go's allocator included, so that `cap` gives what it gives in Go.
//!
//! Sizes of elements are Go's, not ours: a slice header takes 24 bytes there. GO: slice.go `growslice`, msize.go `roundupsize`.

use bytecode::{TypeDescriptor, TypeKind};

/// GO: internal/runtime/gc `SizeClassToSize`.
const CLASSES: [u16; 68] = [
    0, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320,
    352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792,
    2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728,
    10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672,
    32768,
];
const LARGEST_SMALL: u64 = 32768;
const MALLOC_HEADER: u64 = 8;
const MIN_SIZE_FOR_HEADER: u64 = 512;
const PAGE: u64 = 8192;
/// What Go can address.
pub(crate) const MAX_ALLOCATION: u64 = 1 << 48;
/// What a slice header can say.
pub(crate) const MAX_ELEMENTS: u64 = u32::MAX as u64;

/// The bytes Go's allocator gives for a request of `size` bytes.
pub(crate) fn round_up_size(size: u64, has_pointers: bool) -> u64 {
    if size <= LARGEST_SMALL - MALLOC_HEADER {
        let header = if has_pointers && size > MIN_SIZE_FOR_HEADER {
            MALLOC_HEADER
        } else {
            0
        };
        let index = CLASSES.partition_point(|class| u64::from(*class) < size + header);
        return u64::from(CLASSES[index]) - header;
    }
    size.saturating_add(PAGE - 1) & !(PAGE - 1)
}

/// The capacity of a slice of `old` capacity that must hold `wanted` elements (more than `old`); `None` when that is too many.
pub(crate) fn grown_capacity(wanted: u64, old: u64, size: u64, has_pointers: bool) -> Option<u64> {
    const THRESHOLD: u64 = 256;
    if wanted > MAX_ELEMENTS {
        return None;
    }
    if size == 0 {
        return Some(wanted);
    }
    let capacity = if wanted > 2 * old {
        wanted
    } else if old < THRESHOLD {
        2 * old
    } else {
        let mut capacity = old;
        while capacity < wanted {
            capacity += (capacity + 3 * THRESHOLD) >> 2;
        }
        capacity
    };
    let bytes = capacity
        .checked_mul(size)
        .filter(|b| *b <= MAX_ALLOCATION)?;
    Some((round_up_size(bytes, has_pointers) / size).min(MAX_ELEMENTS))
}

/// What a type is in Go: its size, its alignment and whether it holds pointers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct GoLayout {
    pub(crate) size: u64,
    pub(crate) align: u64,
    pub(crate) has_pointers: bool,
}

/// Adds Go's layout of those of `types` that have none in `known`, the first ones'. Types may nest as deep as a script says, so this walks
/// with a list of its own.
pub(crate) fn add_go_layouts(known: &mut Vec<GoLayout>, types: &[TypeDescriptor]) {
    let first = known.len();
    let mut layouts: Vec<Option<GoLayout>> = known.iter().copied().map(Some).collect();
    layouts.resize(types.len(), None);
    let mut opened = vec![false; types.len()];
    let mut todo: Vec<usize> = (first..types.len()).collect();
    while let Some(&index) = todo.last() {
        if layouts[index].is_none() && !opened[index] {
            opened[index] = true;
            // Parts first. One that is open already would hold itself by value, which the checker refuses; it counts as nothing.
            match &types[index].kind {
                TypeKind::Array { element, .. } => todo.push(element.0 as usize),
                TypeKind::Struct { fields } => todo.extend(fields.iter().map(|f| f.ty.0 as usize)),
                _ => {}
            }
            continue;
        }
        if layouts[index].is_none() {
            layouts[index] = Some(go_layout(&types[index].kind, &layouts));
        }
        todo.pop();
    }
    known.extend(
        layouts
            .into_iter()
            .skip(first)
            .map(Option::unwrap_or_default),
    );
}

fn go_layout(kind: &TypeKind, known: &[Option<GoLayout>]) -> GoLayout {
    let scalar = |size: u64| GoLayout {
        size,
        align: size,
        has_pointers: false,
    };
    let pointers = |words: u64| GoLayout {
        size: 8 * words,
        align: 8,
        has_pointers: true,
    };
    match kind {
        TypeKind::Bool | TypeKind::Int8 | TypeKind::Uint8 => scalar(1),
        TypeKind::Int16 | TypeKind::Uint16 => scalar(2),
        TypeKind::Int32 | TypeKind::Uint32 | TypeKind::Float32 => scalar(4),
        TypeKind::Int
        | TypeKind::Int64
        | TypeKind::Uint
        | TypeKind::Uint64
        | TypeKind::Uintptr
        | TypeKind::Float64 => scalar(8),
        TypeKind::Complex64 { .. } => GoLayout {
            align: 4,
            ..scalar(8)
        },
        TypeKind::Complex128 { .. } => GoLayout {
            align: 8,
            ..scalar(16)
        },
        TypeKind::String | TypeKind::Interface { .. } => pointers(2),
        TypeKind::Slice { .. } => pointers(3),
        TypeKind::Pointer { .. }
        | TypeKind::Map { .. }
        | TypeKind::Channel { .. }
        | TypeKind::Function { .. } => pointers(1),
        TypeKind::Array { element, length } => {
            let element = known[element.0 as usize].unwrap_or_default();
            GoLayout {
                size: element.size.saturating_mul(*length),
                has_pointers: element.has_pointers && *length > 0,
                ..element
            }
        }
        TypeKind::Struct { fields } => {
            let mut layout = GoLayout {
                size: 0,
                align: 1,
                has_pointers: false,
            };
            for (index, field) in fields.iter().enumerate() {
                let field = known[field.ty.0 as usize].unwrap_or_default();
                let align = field.align.max(1);
                layout.size = layout.size.next_multiple_of(align) + field.size;
                // A last field without size gets a byte, lest its address lie behind the struct.
                if index + 1 == fields.len() && field.size == 0 && layout.size > 0 {
                    layout.size += 1;
                }
                layout.align = layout.align.max(align);
                layout.has_pointers |= field.has_pointers;
            }
            layout.size = layout.size.next_multiple_of(layout.align);
            layout
        }
        TypeKind::Tuple { .. } => GoLayout {
            size: 0,
            align: 1,
            has_pointers: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_are_those_of_go() {
        // append to []int one by one.
        let mut seen = vec![];
        let mut capacity = 0;
        for length in 1..=2000 {
            if length > capacity {
                capacity = grown_capacity(length, capacity, 8, false).expect("small");
                seen.push(capacity);
            }
        }
        assert_eq!(
            seen,
            [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 848, 1280, 1792, 2560]
        );
        // append([]byte(nil), 5 bytes...).
        assert_eq!(grown_capacity(5, 0, 1, false), Some(8));
        assert_eq!(round_up_size(33, false), 48);
        assert_eq!(round_up_size(600, true), 640 - 8);
        assert_eq!(round_up_size(40000, false), 40960);
    }
}
