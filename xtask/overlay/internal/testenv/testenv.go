// Package testenv stands in for Go's package of this name when tests of the standard library run on golite: there is
// no toolchain at hand, no optimiser to look into, and no network.
package testenv

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Builder returns the name of the machine that builds Go, which this is not.
func Builder() string { return "" }

func HasGoBuild() bool                     { return false }
func HasGoRun() bool                       { return false }
func HasExec() bool                        { return false }
func HasExternalNetwork() bool             { return false }
func HasSymlink() bool                     { return true }
func HasLink() bool                        { return true }
func HasParallelism() bool                 { return true }
func HasSrc() bool                         { return false }
func CPUIsSlow() bool                      { return true }
func OptimizationOff() bool                { return true }
func SyscallIsNotSupported(err error) bool { return false }

func MustHaveGoBuild(t testing.TB)         { t.Skip("golite: no toolchain") }
func MustHaveGoRun(t testing.TB)           { t.Skip("golite: no toolchain") }
func MustHaveExec(t testing.TB)            { t.Skip("golite: a test program is no file that can be run") }
func MustHaveExecPath(t testing.TB, path string) {
	if _, err := exec.LookPath(path); err != nil {
		t.Skip(err)
	}
}
func MustHaveExternalNetwork(t testing.TB) { t.Skip("golite: no network") }
func MustHaveSource(t testing.TB)          { t.Skip("golite: no tree of Go's") }
func MustHaveSymlink(t testing.TB)         {}
func MustHaveLink(t testing.TB)            {}
func MustHaveParallelism(t testing.TB)     {}
func MustHaveCGO(t testing.TB)             { t.Skip("golite: no C") }
func SkipFlaky(t testing.TB, issue int)    { t.Skipf("flaky, see issue %d", issue) }
func SkipFlakyNet(t testing.TB)            {}
func SkipIfShortAndSlow(t testing.TB) {
	if testing.Short() {
		t.Skip("slow")
	}
}
func SkipIfOptimizationOff(t testing.TB) { t.Skip("golite: no optimiser") }
func MustInternalLink(t testing.TB, o any) {
	t.Skip("golite: no linker")
}

func GoToolPath(t testing.TB) string {
	MustHaveGoBuild(t)
	return ""
}

func GOROOT(t testing.TB) string {
	root := os.Getenv("GOLITE_STDTESTS_GOROOT")
	if root == "" && t != nil {
		t.Skip("golite: no tree of Go's")
	}
	return root
}

func Executable(t testing.TB) string {
	MustHaveExec(t)
	return ""
}

func CleanCmdEnv(cmd *exec.Cmd) *exec.Cmd {
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GODEBUG=") && !strings.HasPrefix(variable, "GOTRACEBACK=") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

func Command(t testing.TB, name string, args ...string) *exec.Cmd {
	return exec.Command(name, args...)
}
