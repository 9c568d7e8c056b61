// Go has no unions.
#[derive(golite::GoType)]
union Bits {
    whole: u64,
    parts: [u8; 8],
}

fn main() {}
