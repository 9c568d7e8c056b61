//! Natives of package runtime/pprof.

pub mod profile;

use vm::border::GoStr;
use vm::native::NativeContext;

fn set_text(context: &mut NativeContext<'_>, text: GoStr<'_>) {
    context.set_labels((!text.is_empty()).then(|| text.to_text().to_string()));
}

vm::natives! {
    pure "setText" => set_text;
}
