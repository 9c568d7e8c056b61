//! Functions about values of any form: copies, places inside them, conversions to interfaces, keys, comparisons, methods.

use crate::forms::Form;
use crate::generate::Generator;

/// The variables of such a function.
struct Local {
    name: String,
    form: Form,
}

impl Generator {
    /// Statements about values of random types.
    pub fn structures(&mut self) {
        let mut locals = Vec::new();
        for _ in 0..3 {
            self.local(&mut locals);
        }
        for _ in 0..10 + self.random.below(10) {
            let index = self.random.below(locals.len());
            let (name, form) = (locals[index].name.clone(), locals[index].form.clone());
            self.structure_statement(&name, &form, &mut locals);
        }
        for local in &locals {
            let (verb, name) = (self.verb(), local.name.clone());
            self.line(&format!("show({verb}, {name})"));
        }
    }

    fn local(&mut self, locals: &mut Vec<Local>) {
        let form = self.form(3);
        let (name, value) = (self.name(), self.value(&form, 3));
        let ty = self.form_name(&form);
        match self.random.below(3) {
            0 => self.line(&format!("var {name} {ty} = {value}")),
            1 => self.line(&format!("{name} := {value}")),
            _ => {
                self.line(&format!("var {name} {ty}"));
                self.line(&format!("{name} = {value}"));
            }
        }
        locals.push(Local { name, form });
    }

    fn verb(&mut self) -> &'static str {
        self.random.pick(&[
            "\"%v\"",
            "\"%+v\"",
            "\"%#v\"",
            "\"%T %v\"",
            "\"%v\"",
            "\"%q\"",
            "\"%x\"",
            "\"%d\"",
        ])
    }

    fn show(&mut self, what: &str) {
        let verb = self.verb();
        self.line(&format!("show({verb}, {what})"));
    }

    fn structure_statement(&mut self, x: &str, form: &Form, locals: &mut Vec<Local>) {
        let ty = self.form_name(form);
        let y = self.name();
        match self.random.below(30) {
            0 => self.local(locals),
            1..=3 => {
                let (place, at) = self.write_path(x, form);
                let value = self.value(&at, 2);
                self.assign(&place, &value);
            }
            4 | 5 => {
                self.line(&format!("{y} := {x}"));
                let (place, at) = self.write_path(&y, form);
                let value = self.value(&at, 2);
                self.assign(&place, &value);
                self.show(x);
                self.show(&y);
                locals.push(Local {
                    name: y,
                    form: form.clone(),
                });
            }
            6 => {
                let (place, at) = self.write_path("p", form);
                let value = self.value(&at, 2);
                self.line(&format!(
                    "{y} := func(p {ty}) (q {ty}) {{ q = p; defer func() {{ recover() }}(); {place} = {value}; return p }}({x})"
                ));
                self.show(&y);
            }
            7 => {
                let call = self
                    .random
                    .pick(&["same", "boxed", "through", "inList", "viaChan"]);
                self.line(&format!("{y} := {call}({x})"));
                self.show(&y);
                self.show(x);
            }
            8 => {
                self.line(&format!("{y} := any({x})"));
                let other = self.form(1);
                let other_name = self.form_name(&other);
                if other_name != ty {
                    self.line(&format!("switch w := {y}.(type) {{"));
                    self.line(&format!("case {other_name}:"));
                    self.line("\tshow(\"other %v\", w)");
                    if !matches!(form, Form::Any | Form::Error | Form::Sizer)
                        && !matches!(other, Form::Any | Form::Error | Form::Sizer)
                    {
                        self.line(&format!("case {ty}:"));
                        let (place, at) = self.write_path("w", form);
                        let value = self.value(&at, 1);
                        self.assign(&place, &value);
                        self.line("\tshow(\"same %v\", w)");
                    }
                    self.line("default:");
                    self.line("\tshow(\"none %v\", w)");
                    self.line("}");
                }
                self.line(&format!(
                    "guard(func() {{ show(\"%v\", {y}.({other_name})) }})"
                ));
            }
            9 => {
                let key = self.value(&Form::Basic("string"), 0);
                self.line(&format!("{y} := map[string]{ty}{{{key}: {x}}}"));
                self.line(&format!("{y}[\"k\"] = {x}"));
                self.line(&format!("delete({y}, {key})"));
                let path = self.read_path(&format!("{y}[\"k\"]"), form);
                self.line(&format!("guard(func() {{ show(\"%v\", {path}) }})"));
                self.show(&format!("{y}, len({y})"));
            }
            10 if self.comparable(form) => {
                let (a, b) = (self.value(form, 2), self.value(form, 2));
                self.line("guard(func() {");
                self.line(&format!("\t{y} := map[{ty}]int{{}}"));
                self.line(&format!(
                    "\t{y}[{x}]++; {y}[{a}] += 2; {y}[{b}] = 3; {y}[{x}]--"
                ));
                if self.ordered(form) {
                    self.line(&format!("\tshow(\"%v\", {y})"));
                }
                self.line(&format!("\tshow(\"%d\", len({y}))"));
                self.line(&format!("\tdelete({y}, {a})"));
                self.line(&format!("\tn, ok := {y}[{x}]"));
                self.line(&format!("\tshow(\"%v %v %d\", n, ok, len({y}))"));
                self.line("})");
            }
            11 | 12 if self.comparable(form) => {
                let other = self.value(form, 2);
                self.line(&format!("{y} := {x}"));
                self.line(&format!(
                    "guard(func() {{ show(\"%v %v %v\", {x} == {y}, {x} != ({other}), any({x}) == any({y})) }})"
                ));
            }
            13 => {
                let (a, b) = (self.value(form, 1), self.value(form, 2));
                self.line(&format!("{y} := []{ty}{{{x}, {a}}}"));
                self.line(&format!("for i, e := range {y} {{"));
                let (place, at) = self.write_path("e", form);
                let value = self.value(&at, 1);
                self.assign(&place, &value);
                self.line(&format!("\tif i == 0 {{ {y} = append({y}, {b}) }}"));
                self.line("\tshow(\"%v\", e)");
                self.line("}");
                let (place, at) = self.write_path(&format!("{y}[1]"), form);
                let value = self.value(&at, 1);
                self.assign(&place, &value);
                self.show(&y);
            }
            14 => {
                let value = self.value(form, 1);
                self.line(&format!("{y} := [3]{ty}{{1: {x}}}"));
                self.line(&format!("for i, e := range {y} {{"));
                self.line(&format!("\t{y}[2] = {value}"));
                self.line("\tshow(\"%d %v\", i, e)");
                self.line("}");
                self.line(&format!("{y}[0], {y}[1] = {y}[1], {y}[2]"));
                self.show(&y);
                self.line(&format!(
                    "for i := range {y} {{ show(\"%v\", {y}[i:i+1]) }}"
                ));
            }
            15 => {
                let (place, at) = self.write_path(x, form);
                let value = self.value(&at, 2);
                self.line(&format!("{y} := func() {{ {place} = {value} }}"));
                self.line(&format!("guard({y})"));
                self.show(x);
            }
            16 | 17 => {
                let (place, at) = self.write_path(x, form);
                // What is no element of a map has an address: their keys are written as conversions or literals.
                let at_name = self.form_name(&at);
                let (value, other) = (self.value(&at, 2), self.value(form, 2));
                if !place.contains('(') && !place.contains('{') {
                    self.line(&format!("{y} := &{place}"));
                    self.line(&format!("*{y} = {value}"));
                    self.show(x);
                    self.line(&format!("{x} = {other}"));
                    self.line(&format!("show(\"%v\", *{y})"));
                    self.line(&format!("func(p *{at_name}) {{ *p = {value} }}({y})"));
                    self.show(x);
                }
            }
            18 | 19 if self.has_methods(form) => {
                let (place, at) = self.write_path(x, form);
                let value = self.value(&at, 2);
                self.line(&format!("{y} := {x}.Size"));
                self.line(&format!("{y}p := {x}.Poke"));
                self.assign(&place, &value);
                self.line(&format!("{y}p()"));
                self.line(&format!("show(\"%v %v %v\", {y}(1), {x}.Size(2), {x})"));
            }
            20 if self.has_methods(form) => {
                let Form::Named(index) = form else { return };
                if self.text.contains(&format!("func (t T{index}) Size(")) {
                    self.line(&format!(
                        "show(\"%v %v\", {ty}.Size({x}, 3), (*{ty}).Put(&{x}))"
                    ));
                    self.line(&format!("(*{ty}).Poke(&{x})"));
                    self.line(&format!("{y} := ({ty}).Put"));
                    self.line(&format!("show(\"%v\", {y}({x}))"));
                }
                self.line(&format!("var {y}i Sizer = {x}"));
                self.line(&format!("{x}.Poke()"));
                self.line(&format!("show(\"%T %v %v\", {y}i, {y}i.Size(0), {y}i)"));
                self.line(&format!("{y}i = &{x}"));
                self.line(&format!("{x}.Poke()"));
                self.line(&format!("show(\"%T %v\", {y}i, {y}i.Size(0))"));
                self.line(&format!("_, {y}s := any({x}).(fmt.Stringer)"));
                self.line(&format!("_, {y}e := any(&{x}).(error)"));
                self.line(&format!("show(\"%v %v\", {y}s, {y}e)"));
            }
            21 => {
                self.line(&format!("defer show(\"deferred %v\", {x})"));
                self.line(&format!("defer func() {{ show(\"closed %v\", {x}) }}()"));
            }
            22 => {
                let value = self.value(form, 2);
                self.line(&format!("{y} := make(chan {ty}, 2)"));
                self.line(&format!(
                    "select {{ case {y} <- {x}: default: note(\"full\") }}"
                ));
                self.line(&format!("{y} <- {value}"));
                self.line(&format!("close({y})"));
                self.line(&format!("for e := range {y} {{ show(\"%v\", e) }}"));
                self.line(&format!("{y}z, {y}ok := <-{y}"));
                self.line(&format!("show(\"%v %v\", {y}z, {y}ok)"));
            }
            23 => {
                let value = self.value(form, 2);
                self.line(&format!("for e := range several({x}, {value}) {{"));
                let (place, at) = self.write_path("e", form);
                let value = self.value(&at, 1);
                self.assign(&place, &value);
                self.line("\tshow(\"%v\", e)");
                self.line("}");
            }
            24 => {
                let other = self.form(2);
                let (other_name, value) = (self.form_name(&other), self.value(&other, 2));
                self.line(&format!(
                    "{y} := Both[{ty}, {other_name}]{{{x}, {value}}}.Swapped()"
                ));
                self.show(&y);
                let (place, at) = self.write_path(&format!("{y}.B"), form);
                let value = self.value(&at, 1);
                self.assign(&place, &value);
                self.show(&format!("{y}.Swapped()"));
                self.show(x);
            }
            25 => {
                let other = self.form(2);
                let (other_name, value) = (self.form_name(&other), self.value(&other, 2));
                self.line(&format!(
                    "{y} := struct {{ a {ty}; b {other_name} }}{{{x}, {value}}}"
                ));
                let (place, at) = self.write_path(&format!("{y}.b"), &other);
                let value = self.value(&at, 1);
                self.assign(&place, &value);
                self.line(&format!("{y}2 := {y}"));
                self.line(&format!("{y}2.a = {x}"));
                self.show(&format!("{y}, {y}2"));
            }
            26 => {
                let value = self.value(form, 2);
                self.line(&format!("{y} := append([]{ty}(nil), {x}, {value}, {x})"));
                self.line(&format!("copy({y}[1:], {y})"));
                self.line(&format!("{y} = slices.Insert({y}, 1, {value})"));
                self.line(&format!("slices.Reverse({y})"));
                self.show(&y);
                self.line(&format!("clear({y}[:2])"));
                self.show(&y);
            }
            27 => {
                self.line(&format!(
                    "{y}, {y}b := func() (p {ty}, q {ty}) {{ defer func() {{ q = p }}(); p = {x}; return p, {x} }}()"
                ));
                self.show(&format!("{y}, {y}b"));
            }
            28 => {
                let named = self.form_name(self.underlying(form));
                if named != ty {
                    self.line(&format!("{y} := {named}({x})"));
                    self.line(&format!("show(\"%T %v\", {y}, {y})"));
                    self.line(&format!("{x} = {ty}({y})"));
                } else {
                    self.show(x);
                }
            }
            _ => {
                let path = self.read_path(x, form);
                let (a, b) = (self.verb(), self.verb());
                self.line(&format!("guard(func() {{ show({a}, {path}) }})"));
                self.line(&format!("show({b}, {x})"));
            }
        }
    }

    fn assign(&mut self, place: &str, value: &str) {
        if place.contains('[') && self.random.chance(80) {
            self.line(&format!("guard(func() {{ {place} = {value} }})"));
        } else {
            self.line(&format!("{place} = {value}"));
        }
    }
}
