// Files that are part of a program.
package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing/fstest"

	"example.com/embed/sub"
)

//go:embed hello.txt
var hello string

// A comment between.
//
//go:embed hello.txt
// Another one.

var bytes []byte

type text string

type octets []byte

var early = len(hello) + len(grouped)

var (
	//go:embed assets/second.txt
	grouped text

	plain = 1

	//go:embed empty
	empty octets
)

//go:embed assets
//go:embed hello.txt
var files embed.FS

//go:embed all:assets "assets/with space.txt" `assets/\[odd].txt`
var all embed.FS

//go:embed assets/[.a-dx-z]*
var direct embed.FS

//go:embed h?llo.[a-t]xt sub/*/*.bin
var globbed embed.FS

var none embed.FS

//go:embed hello.txt
var _ string

func list(name string, fsys fs.FS) {
	fmt.Println(name)
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		fmt.Println(" ", path, d.IsDir(), d.Name(), info.Mode(), info.Size(), info.ModTime().IsZero(), info.Sys(), d, err)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
}

func main() {
	fmt.Printf("%q %q %q %q %d\n", hello, bytes, grouped, empty, early)
	bytes[0] = 'j'
	fmt.Printf("%q %q %T %T %v\n", hello, bytes, grouped, empty, empty == nil)
	fmt.Printf("%q %d\n", sub.Data, sub.Length)

	list("files", files)
	list("all", all)
	list("direct", direct)
	list("globbed", globbed)
	list("none", none)

	data, err := files.ReadFile("assets/deep/config.json")
	fmt.Printf("%s %v\n", data, err)
	data[0] = '['
	again, _ := fs.ReadFile(files, "assets/deep/config.json")
	fmt.Printf("%s\n", again)
	for _, name := range []string{"assets", "nothing", "../x", "assets/deep/er/x/y", "", "assets/"} {
		_, err := files.ReadFile(name)
		_, dirErr := files.ReadDir(name)
		var pathError *fs.PathError
		fmt.Println(err, dirErr, errors.Is(err, fs.ErrNotExist), errors.As(err, &pathError))
	}
	_, err = files.ReadDir("hello.txt")
	fmt.Println(err)

	file, err := files.Open("hello.txt")
	if err != nil {
		panic(err)
	}
	info, _ := file.Stat()
	fmt.Println(info.Name(), info.Size(), info)
	five := make([]byte, 5)
	n, err := file.Read(five)
	fmt.Println(n, err, string(five))
	at, err := file.(io.Seeker).Seek(-6, io.SeekEnd)
	fmt.Println(at, err)
	rest, err := io.ReadAll(file)
	fmt.Printf("%q %v\n", rest, err)
	n, err = file.(io.ReaderAt).ReadAt(five, 10)
	fmt.Println(n, err)
	_, err = file.(io.ReaderAt).ReadAt(five, -1)
	fmt.Println(err)
	_, err = file.(io.Seeker).Seek(-1, io.SeekStart)
	fmt.Println(err, file.Close())

	folder, err := files.Open("assets")
	if err != nil {
		panic(err)
	}
	_, err = folder.Read(five)
	fmt.Println(err)
	for {
		entries, err := folder.(fs.ReadDirFile).ReadDir(2)
		fmt.Println(entries, err)
		if err != nil {
			break
		}
	}
	_, err = none.Open("x")
	fmt.Println(err, none == embed.FS{}, files == none)
	copied := files
	fmt.Println(copied == files)

	fmt.Println(fstest.TestFS(files, "hello.txt", "assets/deep/er/x"))
	part, _ := fs.Sub(files, "assets/deep")
	fmt.Println(fs.Glob(part, "*"))
	var _ fs.ReadDirFS = files
	var _ fs.ReadFileFS = files
}
