//! Packages of Go's standard library that golite has not; docs/std.md counts their names.

/// Their import paths, sorted.
const PATHS: &[&str] = &[
    "crypto/des",
    "crypto/dsa",
    "crypto/ecdh",
    "crypto/ecdsa",
    "crypto/ed25519",
    "crypto/elliptic",
    "crypto/fips140",
    "crypto/hkdf",
    "crypto/hpke",
    "crypto/mldsa",
    "crypto/mlkem",
    "crypto/mlkem/mlkemtest",
    "crypto/pbkdf2",
    "crypto/rc4",
    "crypto/rsa",
    "database/sql",
    "database/sql/driver",
    "debug/buildinfo",
    "debug/dwarf",
    "debug/elf",
    "debug/gosym",
    "debug/macho",
    "debug/pe",
    "debug/plan9obj",
    "encoding/gob",
    "encoding/json/jsontext",
    "encoding/json/v2",
    "expvar",
    "go/ast",
    "go/build",
    "go/build/constraint",
    "go/constant",
    "go/doc",
    "go/doc/comment",
    "go/format",
    "go/importer",
    "go/parser",
    "go/printer",
    "go/scanner",
    "go/token",
    "go/types",
    "go/version",
    "image",
    "image/color",
    "image/color/palette",
    "image/draw",
    "image/gif",
    "image/jpeg",
    "image/png",
    "log/syslog",
    "net/http/cgi",
    "net/http/fcgi",
    "net/http/httptrace",
    "net/http/pprof",
    "net/rpc",
    "net/rpc/jsonrpc",
    "net/smtp",
    "plugin",
    "runtime/cgo",
    "runtime/coverage",
    "runtime/metrics",
    "runtime/race",
    "runtime/trace",
    "testing/cryptotest",
    "testing/slogtest",
    "time/tzdata",
    "uuid",
];

/// Whether it is one of them.
pub fn is_not_there(path: &str) -> bool {
    PATHS.binary_search(&path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::PATHS;

    #[test]
    fn what_is_there_is_not_listed() {
        assert!(PATHS.is_sorted());
        for path in PATHS {
            assert!(!crate::outline::is_standard(path), "{path} is there");
        }
    }
}
