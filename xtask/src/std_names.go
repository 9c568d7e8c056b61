// Lists the exported names of packages, one a line: the import path, a tab, the name (`F`, `T.Method`, `T.Field`).
//
// With "std" as its first argument it takes the packages of the toolchain that the other arguments name ("-" names all of
// them); with "folders", every folder below its second argument is a package of .gl files.
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

var out = bufio.NewWriter(os.Stdout)

func main() {
	defer out.Flush()
	if os.Args[1] == "folders" {
		folders(os.Args[2])
		return
	}
	paths := os.Args[2:]
	if len(paths) == 1 && paths[0] == "-" {
		listed, err := exec.Command(os.Getenv("GO"), "list", "std").Output()
		check(err)
		paths = strings.Fields(string(listed))
	}
	for _, path := range paths {
		if strings.HasPrefix(path, "vendor/") || strings.Contains(path+"/", "internal/") {
			continue
		}
		pkg, err := build.Import(path, "", 0)
		check(err)
		var files []string
		for _, name := range append(pkg.GoFiles, pkg.CgoFiles...) {
			files = append(files, filepath.Join(pkg.Dir, name))
		}
		list(path, files)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func folders(root string) {
	files := map[string][]string{}
	check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".gl" {
			folder, _ := filepath.Rel(root, filepath.Dir(path))
			files[folder] = append(files[folder], path)
		}
		return err
	}))
	var paths []string
	for path := range files {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		if !strings.Contains(path+"/", "internal/") {
			list(path, files[path])
		}
	}
}

func list(path string, files []string) {
	names := map[string]bool{}
	for _, file := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		check(err)
		for _, declaration := range syntax.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = receiver(d.Recv.List[0].Type) + "." + name
				}
				names[name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.ValueSpec:
						for _, name := range s.Names {
							names[name.Name] = true
						}
					case *ast.TypeSpec:
						names[s.Name.Name] = true
						members(s.Name.Name, s.Type, names)
					}
				}
			}
		}
	}
	var sorted []string
	for name := range names {
		exported := true
		for _, part := range strings.Split(name, ".") {
			exported = exported && ast.IsExported(part)
		}
		if exported {
			sorted = append(sorted, name)
		}
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		fmt.Fprintf(out, "%s\t%s\n", path, name)
	}
}

func receiver(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.ParenExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "_"
}

// members adds the fields of a struct and the methods of an interface.
func members(name string, expr ast.Expr, names map[string]bool) {
	var fields *ast.FieldList
	switch e := expr.(type) {
	case *ast.StructType:
		fields = e.Fields
	case *ast.InterfaceType:
		fields = e.Methods
	default:
		return
	}
	for _, field := range fields.List {
		for _, member := range field.Names {
			names[name+"."+member.Name] = true
		}
		if len(field.Names) == 0 {
			if _, isStruct := expr.(*ast.StructType); isStruct {
				if selector, ok := field.Type.(*ast.SelectorExpr); ok {
					names[name+"."+selector.Sel.Name] = true
				} else {
					names[name+"."+receiver(field.Type)] = true
				}
			}
		}
	}
}
