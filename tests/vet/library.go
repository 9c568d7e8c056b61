package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"
)

const layout = "2006-02-01 15:04"

type failure struct{}

func (failure) Error() string        { return "" }
func (failure) Is(error) int         { return 0 }
func (failure) As(target any) bool   { return false }
func (*failure) Unwrap() (int, bool) { return 0, false }

type several struct{}

func (several) Error() string   { return "" }
func (several) Unwrap() []error { return nil }

type stream struct{}

func (stream) ReadByte() byte                       { return 0 }
func (stream) WriteByte(c byte) error               { return nil }
func (stream) Seek(offset int64) (int64, error)     { return 0, nil }
func (stream) Format(s string) string               { return s }
func (stream) WriteTo(w io.Writer, n int)           {}
func (stream) ReadFrom(r io.Reader) (int, error)    { return 0, nil }
func (stream) MarshalJSON() string                  { return "" }
func (stream) UnmarshalXML(d *xml.Decoder) error    { return nil }
func (stream) Is(n int) bool                        { return n > 0 }
func (stream) Scan(s fmt.ScanState, verb int) error { return nil }

type reader interface {
	UnreadByte() bool
	Read(p []byte) (int, error)
}

type named interface{ Name() string }

type numbered interface{ Name() int }

func main() {
	now := time.Now()
	fmt.Println(now.Format("on 2006-02-01"), now.Format(layout), now.Format("2006-01-02"))
	_, err := time.Parse("2006-02-01", "x")
	fmt.Println(err, errors.Is(err, several{}))
	var n named
	_, ok := n.(numbered)
	fmt.Println(ok)
	switch n.(type) {
	case numbered, fmt.Stringer:
	}
	var r io.Reader
	_ = r.(reader)
}
