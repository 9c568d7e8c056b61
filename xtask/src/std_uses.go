// Writes, for each package that golite has, a program that mentions every exported name that both sides have, with its type: so Go's
// outcome says how functions, methods and fields are declared, what constants are, and what errors say.
//
// The arguments: a file with lines of an import path, a tab and a name, as std_names.go prints them; the folder for the programs.
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

func main() {
	names := map[string][]string{}
	list, err := os.Open(os.Args[1])
	check(err)
	for lines := bufio.NewScanner(list); lines.Scan(); {
		path, name, _ := strings.Cut(lines.Text(), "\t")
		names[path] = append(names[path], name)
	}
	imports := importer.ForCompiler(token.NewFileSet(), "source", nil)
	for path, names := range names {
		pkg, err := imports.Import(path)
		if err != nil {
			continue
		}
		text := program(pkg, names)
		if text == "" {
			continue
		}
		file := filepath.Join(os.Args[2], strings.ReplaceAll(path, "/", "_")+".gl")
		check(os.WriteFile(file, []byte(text), 0o644))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// others are declared differently in golite on purpose (docs/gaps.md): RawMessage is package jsontext's in Go, which golite does not have.
var others = []string{"json.RawMessage"}

var isError = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func program(pkg *types.Package, names []string) string {
	var shown []string
	sort.Strings(names)
	for _, name := range names {
		owner, member, isMember := strings.Cut(name, ".")
		object := pkg.Scope().Lookup(owner)
		if object == nil || slices.Contains(others, pkg.Name()+"."+owner) {
			continue
		}
		whole := pkg.Name() + "." + name
		if isMember {
			if line := memberLine(pkg, object, member); line != "" {
				shown = append(shown, fmt.Sprintf("\tshow(%q, %s)", whole, line))
			}
			continue
		}
		switch object := object.(type) {
		case *types.Const:
			value := whole
			if number := constant.ToInt(object.Val()); number.Kind() == constant.Int && isUntyped(object.Type()) {
				if _, exact := constant.Int64Val(number); !exact {
					if _, exact := constant.Uint64Val(number); !exact {
						value = "float64(" + whole + ")"
					} else {
						value = "uint64(" + whole + ")"
					}
				}
			}
			if pkg.Path() == "runtime" || pkg.Path() == "os" && name == "DevNull" {
				shown = append(shown, fmt.Sprintf("\tshow(%q, new(%s))", whole, types.Default(object.Type())))
			} else {
				shown = append(shown, fmt.Sprintf("\tvalue(%q, %s)", whole, value))
			}
		case *types.Var:
			if types.Implements(object.Type(), isError) && !strings.HasPrefix(types.TypeString(object.Type(), nil), "*") {
				shown = append(shown, fmt.Sprintf("\tvalue(%q, %s.Error())", whole, whole))
			} else {
				shown = append(shown, fmt.Sprintf("\tshow(%q, &%s)", whole, whole))
			}
		case *types.Func:
			if object.Type().(*types.Signature).TypeParams().Len() == 0 {
				shown = append(shown, fmt.Sprintf("\tshow(%q, %s)", whole, whole))
			}
		case *types.TypeName:
			if usable(object) {
				shown = append(shown, fmt.Sprintf("\tshow(%q, new(%s))", whole, whole))
			}
		}
	}
	if len(shown) == 0 {
		return ""
	}
	path := pkg.Path()
	imported := fmt.Sprintf("\t%q\n", path)
	if path != "fmt" {
		both := []string{fmt.Sprintf("\t%q\n", path), "\t\"fmt\"\n"}
		sort.Strings(both)
		imported = strings.Join(both, "")
	}
	return fmt.Sprintf("// What package %s exports, and how it is declared. Written by `cargo xtask std`.\n"+
		"// golden: no-gcstress (declarations)\n// golden: no-seeds (declarations)\npackage main\n\nimport (\n%s)\n\n"+
		"func show(name string, x any) { fmt.Printf(\"%%s %%T\\n\", name, x) }\n\n"+
		"func value(name string, x any) { fmt.Printf(\"%%s %%T %%v\\n\", name, x, x) }\n\nfunc main() {\n%s\n}\n",
		path, imported, strings.Join(shown, "\n"))
}

func isUntyped(t types.Type) bool {
	basic, ok := t.(*types.Basic)
	return ok && basic.Info()&types.IsUntyped != 0
}

// usable reports whether a type is no constraint and takes no type arguments.
func usable(object *types.TypeName) bool {
	switch t := types.Unalias(object.Type()).(type) {
	case *types.Named:
		if t.TypeParams().Len() > 0 && t.TypeArgs().Len() == 0 {
			return false
		}
	}
	if i, ok := object.Type().Underlying().(*types.Interface); ok {
		return i.IsMethodSet()
	}
	return true
}

// memberLine is the expression that has a field's address or a method's function.
func memberLine(pkg *types.Package, object types.Object, member string) string {
	name, isType := object.(*types.TypeName)
	if !isType || !usable(name) || !ast.IsExported(member) {
		return ""
	}
	typ := pkg.Name() + "." + name.Name()
	found, _, _ := types.LookupFieldOrMethod(object.Type(), true, pkg, member)
	switch found := found.(type) {
	case *types.Var:
		return fmt.Sprintf("&new(%s).%s", typ, member)
	case *types.Func:
		if found.Signature().TypeParams().Len() > 0 {
			return ""
		}
		if types.IsInterface(object.Type()) {
			return typ + "." + member
		}
		if pointer, ok := found.Signature().Recv().Type().(*types.Pointer); ok && pointer != nil {
			return fmt.Sprintf("(*%s).%s", typ, member)
		}
		return fmt.Sprintf("%s.%s", typ, member)
	}
	return ""
}
