// Package jsontest names cases of tests by where they stand.
package jsontest

import (
	"fmt"
	"path/filepath"
	"runtime"
)

// CaseName is the name of a case and its place.
type CaseName struct {
	Name  string
	Where CasePos
}

// CasePos is a place in a test's source.
type CasePos struct {
	file string
	line int
}

// Name returns a case's name with the caller's place.
func Name(s string) CaseName {
	_, file, line, _ := runtime.Caller(1)
	return CaseName{s, CasePos{filepath.Base(file), line}}
}

func (pos CasePos) String() string { return fmt.Sprintf("%s:%d", pos.file, pos.line) }

// Entry is a text to measure with.
type Entry struct{ Name string }

// Data is empty: nothing is measured here.
var Data []Entry
