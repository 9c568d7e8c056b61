//! The table of `GOLITEDEBUG`: comma-separated `name=value`, as Go's `GODEBUG`.

use std::time::Duration;

use vm::Stress;

/// What `GOLITEDEBUG` asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DebugFlags {
    pub schedtrace: Option<Duration>,
    pub scheddetail: bool,
    pub gctrace: bool,
    pub forcegcperiod: Option<Duration>,
    pub gcstress: Stress,
    pub gcverify: bool,
    pub stopmark: bool,
    pub scavenge: bool,
    pub seed: Option<u64>,
    pub virtualclock: bool,
}

/// A flag: its name, what its value is, what it does, and how it is read.
struct Flag {
    name: &'static str,
    value: &'static str,
    help: &'static str,
    read: fn(&mut DebugFlags, u64),
}

const FLAGS: &[Flag] = &[
    Flag {
        name: "schedtrace",
        value: "MS",
        help: "prints a line on the scheduler's state every MS milliseconds",
        read: |flags, ms| flags.schedtrace = (ms > 0).then(|| Duration::from_millis(ms)),
    },
    Flag {
        name: "scheddetail",
        value: "1",
        help: "with schedtrace: also prints every processor, machine and goroutine",
        read: |flags, on| flags.scheddetail = on != 0,
    },
    Flag {
        name: "gctrace",
        value: "1",
        help: "prints a line per collection of the heap",
        read: |flags, on| flags.gctrace = on != 0,
    },
    Flag {
        name: "forcegcperiod",
        value: "MS",
        help: "forces a collection when none ran for MS milliseconds (default 120000; 0: never)",
        read: |flags, ms| flags.forcegcperiod = Some(Duration::from_millis(ms)),
    },
    Flag {
        name: "gcstress",
        value: "1|2",
        help: "collects the heap (2: does a small part of a collection) at every safepoint, and fills what is freed with a pattern",
        read: |flags, kind| {
            flags.gcstress = match kind {
                0 => Stress::None,
                2 => Stress::Step,
                _ => Stress::Collect,
            };
        },
    },
    Flag {
        name: "gcverify",
        value: "1",
        help: "checks each collection by marking all anew in the stopped world",
        read: |flags, on| flags.gcverify = on != 0,
    },
    Flag {
        name: "concurrentmark",
        value: "0",
        help: "marks the heap in stopped worlds only, not while the program runs",
        read: |flags, on| flags.stopmark = on == 0,
    },
    Flag {
        name: "scavenge",
        value: "1",
        help: "gives what a collection frees back to the system at once",
        read: |flags, on| flags.scavenge = on != 0,
    },
    Flag {
        name: "seed",
        value: "N",
        help: "draws the order of goroutines and the choices of select and of map iteration from this seed",
        read: |flags, seed| flags.seed = Some(seed),
    },
    Flag {
        name: "virtualclock",
        value: "1",
        help: "lets time stand still but when every goroutine waits: sleeping programs run at once",
        read: |flags, on| flags.virtualclock = on != 0,
    },
];

/// Reads the value of `GOLITEDEBUG`.
///
/// # Errors
/// Names the first word that is no flag, with the flags there are.
pub fn read(text: &str) -> Result<DebugFlags, String> {
    let mut flags = DebugFlags::default();
    for word in text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        let (name, value) = word.split_once('=').unwrap_or((word, "1"));
        let flag = FLAGS.iter().find(|flag| flag.name == name);
        match (flag, value.parse()) {
            (Some(flag), Ok(value)) => (flag.read)(&mut flags, value),
            (Some(flag), Err(_)) => {
                return Err(format!(
                    "GOLITEDEBUG: {name} wants a number, not {value:?} ({})",
                    flag.help
                ));
            }
            (None, _) => return Err(format!("GOLITEDEBUG: no flag {name:?}\n{}", help())),
        }
    }
    Ok(flags)
}

/// A line per flag.
pub fn help() -> String {
    FLAGS
        .iter()
        .map(|flag| {
            format!(
                "  {:<17} {}\n",
                format!("{}={}", flag.name, flag.value),
                flag.help
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_by_name() {
        let flags = read("schedtrace=10,gcstress=1,seed=7").expect("good flags");
        assert_eq!(flags.schedtrace, Some(Duration::from_millis(10)));
        assert_eq!(flags.gcstress, Stress::Collect);
        assert_eq!(flags.seed, Some(7));
    }

    #[test]
    fn a_word_that_is_no_flag_is_answered_with_those_there_are() {
        let error = read("gcstres=1").expect_err("no such flag");
        assert!(error.contains("gcstress=1"), "{error}");
    }
}
