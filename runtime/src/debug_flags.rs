//! `GOLITEDEBUG`: one table of the flags that the scheduler knows.
//!
//! The command reads the variable and hands the text to [`DebugFlags::parse`]; nothing here looks at the environment.

/// Builds the struct, its parser and its help from one list of rows.
macro_rules! debug_flags {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        /// The scheduler's debug flags; 0 is off.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct DebugFlags {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl DebugFlags {
            /// Name and meaning of every flag, for `--help`.
            pub const HELP: &'static [(&'static str, &'static str)] =
                &[$((stringify!($name), concat!($($doc),*)),)*];

            fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

debug_flags! {
    /// Print a line about the scheduler every so many milliseconds.
    schedtrace;
    /// With schedtrace: print every processor, machine and goroutine too.
    scheddetail;
    /// Force a collection when none ran for so many milliseconds, instead of two minutes.
    forcegcperiod;
}

impl DebugFlags {
    /// Reads `name=value,name=value`; answers also the names that are not ours, for others to look at. As in Go, what cannot
    /// be read is left out.
    #[must_use]
    pub fn parse(text: &str) -> (DebugFlags, Vec<&str>) {
        let mut flags = DebugFlags::default();
        let mut unknown = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (name, value) = part.split_once('=').unwrap_or((part, "1"));
            match value.parse() {
                Ok(value) if flags.set(name, value) => {}
                Ok(_) => unknown.push(part),
                Err(_) => {}
            }
        }
        (flags, unknown)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_in_go() {
        let (flags, unknown) =
            DebugFlags::parse("schedtrace=1000, scheddetail=1,gctrace=1,schedtrace=x,");
        assert_eq!((flags.schedtrace, flags.scheddetail), (1000, 1));
        assert_eq!(unknown, ["gctrace=1"]);
        assert_eq!(DebugFlags::HELP.len(), 3);
    }
}
