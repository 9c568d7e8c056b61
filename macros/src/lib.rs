//! `#[derive(GoType)]` and `#[golite::export]`. See the documentation of crate golite, which names them both.
//!
//! What is made speaks of golite by its name (`::golite`), and uses the traits that everybody can implement by hand.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as Tokens};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, Fields, FnArg, Ident, ImplItem, Item, ItemFn,
    ItemImpl, ItemMod, Lit, Meta, Pat, ReturnType, Signature, Type, Visibility, parse_macro_input,
    parse_quote,
};

/// Makes a type stand for a Go type: `GoType`, `FromGo` and `IntoGo`.
///
/// - A struct with named fields stands for a Go struct.
/// - A struct with one unnamed field stands for a type of its own with the same values: `struct Id(i64)` is `type Id int`.
/// - An enum whose variants have no fields stands for a type of integers: `enum Color { Red, Green }` is `type Color int` with constants `ColorRed` and
///   `ColorGreen`, which are 0 and 1 unless the variants say otherwise. A number that no variant has is refused.
///
/// A field `user_name` is `UserName` in Go, or what `#[go(name = "...")]` on it says. The fields of the Go struct may stand in any order and
/// among others; one with the json tag `user_name` is also found. In declarations the struct has its own name, or what `#[go(name = "...")]` on
/// it says.
#[proc_macro_derive(GoType, attributes(go))]
pub fn derive_go_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    go_type(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// Offers a function, the functions, constants and types of a module, or the methods of a type to scripts.
///
/// - On a function, with the package it is to be in: `#[golite::export(package = "shop")]`. Then `Builder::export::<its_name>()`.
/// - On a module: its public functions, its public types that derive `GoType`, and its public constants of numbers, `bool`, `char` and `&str` are a package of
///   the module's name. Then `Builder::export::<module::Exports>()`.
/// - On a struct or an enum: the same as `#[derive(GoType)]`. It is in the package of the module, or of the functions and methods that mention it.
/// - On an `impl` of a type that derives `GoType`: its public methods that take `&self` or `&mut self`; `package = "..."` as for functions. Then
///   `Builder::export::<Type>()`.
///
/// A function `price_of(item_name: &str)` is `PriceOf(itemName string)` in Go. Documentation stands above the declarations. An `async fn` makes its goroutine wait; one with
/// `#[blocking]` may block its thread.
#[proc_macro_attribute]
pub fn export(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as Item);
    let attribute = Tokens::from(attribute);
    let package = match package_of(attribute.clone()) {
        Ok(package) => package,
        Err(error) => return error.into_compile_error().into(),
    };
    let made = match item {
        Item::Fn(function) => export_function(function, package),
        Item::Mod(module) => export_module(module, package),
        Item::Impl(block) => export_impl(block, package),
        Item::Struct(_) | Item::Enum(_) if package.is_some() => Err(Error::new_spanned(
            attribute,
            "a type is in the package of its module, or of the functions and methods that mention it: #[golite::export]",
        )),
        Item::Struct(_) | Item::Enum(_) => Ok(quote!(#[derive(::golite::GoType)] #item)),
        other => Err(Error::new_spanned(
            other,
            "golite::export stands on functions, modules, structs, enums and impls",
        )),
    };
    made.unwrap_or_else(Error::into_compile_error).into()
}

/// `package = "..."`.
fn package_of(attribute: Tokens) -> syn::Result<Option<String>> {
    if attribute.is_empty() {
        return Ok(None);
    }
    let wrong =
        |at: &dyn ToTokens| Error::new_spanned(at.to_token_stream(), "expected package = \"...\"");
    let meta: Meta = syn::parse2(attribute)?;
    match &meta {
        Meta::NameValue(pair) if pair.path.is_ident("package") => text_of(&pair.value)
            .map(Some)
            .ok_or_else(|| wrong(&pair.value)),
        other => Err(wrong(other)),
    }
}

fn text_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// What `#[go(name = "...")]` says.
fn go_name(attributes: &[Attribute]) -> syn::Result<Option<String>> {
    let mut name = None;
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("go"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("expected name = \"...\""));
            }
            let value: syn::LitStr = meta.value()?.parse()?;
            name = Some(value.value());
            Ok(())
        })?;
    }
    Ok(name)
}

/// The documentation, a line each.
fn documentation(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Some(text) = text_of(&pair.value)
        {
            lines.push(text);
        }
    }
    lines.join("\n")
}

/// What a declaration has beside its types: its documentation, and its parameters' names.
fn described(attributes: &[Attribute], names: &[String]) -> Tokens {
    let text = documentation(attributes);
    quote! {
        ::golite::__private::Described { documentation: #text, parameters: &[#(#names),*] }
    }
}

/// The name of a parameter in Go, if it has one.
fn parameter_name(pattern: &Pat) -> String {
    match pattern {
        Pat::Ident(ident) => unexported(&ident.ident.to_string()),
        _ => String::new(),
    }
}

/// `user_name` and `USER_NAME` as `UserName`.
fn exported(name: &str) -> String {
    let is_constant = name.chars().all(|c| !c.is_lowercase());
    let mut out = String::new();
    for word in name
        .trim_start_matches("r#")
        .split('_')
        .filter(|word| !word.is_empty())
    {
        let mut characters = word.chars();
        out.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        match is_constant {
            true => out.push_str(&characters.as_str().to_lowercase()),
            false => out.push_str(characters.as_str()),
        }
    }
    out
}

/// `user_name` as `userName`.
fn unexported(name: &str) -> String {
    let name = exported(name);
    let mut characters = name.chars();
    let first = characters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(characters).collect()
}

fn go_type(input: &DeriveInput) -> syn::Result<Tokens> {
    let only = "GoType can be derived for structs with named fields or one unnamed, and for enums whose variants have no fields";
    let refused = || Err(Error::new_spanned(&input.ident, only));
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "GoType cannot be derived for generic types",
        ));
    }
    let ident = &input.ident;
    let own_name = go_name(&input.attrs)?.unwrap_or_else(|| exported(&ident.to_string()));
    let own_text = documentation(&input.attrs);
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                return Ok(newtype(ident, &own_name, &own_text, &fields.unnamed[0].ty));
            }
            _ => return refused(),
        },
        Data::Enum(data) if !data.variants.is_empty() => {
            if data
                .variants
                .iter()
                .any(|variant| !matches!(variant.fields, Fields::Unit))
            {
                return refused();
            }
            return enumeration(ident, &own_name, &own_text, data);
        }
        _ => return refused(),
    };
    let mut names = Vec::new();
    let mut texts = Vec::new();
    let mut keys = Vec::new();
    let mut idents = Vec::new();
    let mut types = Vec::new();
    for field in &fields.named {
        let Some(field_ident) = &field.ident else {
            continue;
        };
        let key = field_ident.to_string().trim_start_matches("r#").to_owned();
        names.push(go_name(&field.attrs)?.unwrap_or_else(|| exported(&key)));
        keys.push(key);
        texts.push(documentation(&field.attrs));
        idents.push(field_ident);
        types.push(&field.ty);
    }
    let index = (0..names.len()).map(syn::Index::from).collect::<Vec<_>>();
    Ok(quote! {
        impl ::golite::GoType for #ident {
            type Plan = (#(::golite::__private::FieldPlan<#types>,)*);

            fn declare(declarations: &mut ::golite::Declarations) -> ::std::string::String {
                declarations.documented(#own_name, #own_text, |declarations| {
                    let mut text = ::std::string::String::from("struct {\n");
                    #(
                        ::golite::__private::comment("\t", #texts, &mut text);
                        text.push_str(&::std::format!(
                            "\t{} {} `json:\"{}\"`\n",
                            #names,
                            <#types as ::golite::GoType>::declare(declarations),
                            #keys,
                        ));
                    )*
                    text.push('}');
                    text
                })
            }

            fn plan(
                ty: &::golite::__private::RuntimeType,
            ) -> ::std::result::Result<Self::Plan, ::golite::Mismatch> {
                Ok((#(::golite::__private::FieldPlan::<#types>::find(ty, #names, #keys)?,)*))
            }
        }

        impl ::golite::FromGo for #ident {
            #[allow(unused_variables)]
            fn from_go<'h>(
                view: ::golite::View<'h>,
                plan: &Self::Plan,
                context: &mut ::golite::NativeContext<'h>,
            ) -> ::std::result::Result<Self, ::golite::Unconvertible> {
                Ok(#ident { #(#idents: plan.#index.read(view, context)?,)* })
            }
        }

        impl ::golite::IntoGo for #ident {
            #[allow(unused_variables)]
            fn into_go<'h>(
                self,
                target: ::golite::Target<'h>,
                plan: &Self::Plan,
                context: &mut ::golite::NativeContext<'h>,
            ) -> ::std::result::Result<(), ::golite::__private::GoPanic> {
                #(plan.#index.write(self.#idents, target, context)?;)*
                Ok(())
            }
        }
    })
}

/// A struct of one unnamed field.
fn newtype(ident: &Ident, own_name: &str, own_text: &str, ty: &Type) -> Tokens {
    quote! {
        impl ::golite::GoType for #ident {
            type Plan = <#ty as ::golite::GoType>::Plan;

            fn declare(declarations: &mut ::golite::Declarations) -> ::std::string::String {
                declarations.documented(#own_name, #own_text, <#ty as ::golite::GoType>::declare)
            }

            fn plan(
                ty: &::golite::__private::RuntimeType,
            ) -> ::std::result::Result<Self::Plan, ::golite::Mismatch> {
                <#ty as ::golite::GoType>::plan(ty)
            }
        }

        impl ::golite::FromGo for #ident {
            fn from_go<'h>(
                view: ::golite::View<'h>,
                plan: &Self::Plan,
                context: &mut ::golite::NativeContext<'h>,
            ) -> ::std::result::Result<Self, ::golite::Unconvertible> {
                <#ty as ::golite::FromGo>::from_go(view, plan, context).map(#ident)
            }
        }

        impl ::golite::IntoGo for #ident {
            fn into_go<'h>(
                self,
                target: ::golite::Target<'h>,
                plan: &Self::Plan,
                context: &mut ::golite::NativeContext<'h>,
            ) -> ::std::result::Result<(), ::golite::__private::GoPanic> {
                <#ty as ::golite::IntoGo>::into_go(self.0, target, plan, context)
            }
        }
    }
}

/// An enum whose variants have no fields.
fn enumeration(
    ident: &Ident,
    own_name: &str,
    own_text: &str,
    data: &syn::DataEnum,
) -> syn::Result<Tokens> {
    let mut variants = Vec::new();
    let mut texts = Vec::new();
    let mut names = Vec::new();
    for variant in &data.variants {
        let name = go_name(&variant.attrs)?
            .unwrap_or_else(|| format!("{own_name}{}", exported(&variant.ident.to_string())));
        names.push(name);
        variants.push(&variant.ident);
        texts.push(documentation(&variant.attrs));
    }
    Ok(quote! {
        impl ::golite::GoType for #ident {
            type Plan = ();

            fn declare(declarations: &mut ::golite::Declarations) -> ::std::string::String {
                declarations.documented(#own_name, #own_text, |_| {
                    let mut text = ::std::string::String::from("int\n\nconst (\n");
                    #(::golite::__private::comment("\t", #texts, &mut text);
                    text.push_str(&::std::format!("\t{} {} = {}\n", #names, #own_name, #ident::#variants as i64));)*
                    text.push(')');
                    text
                })
            }

            fn plan(
                ty: &::golite::__private::RuntimeType,
            ) -> ::std::result::Result<(), ::golite::Mismatch> {
                <i64 as ::golite::GoType>::plan(ty)
            }
        }

        impl ::golite::FromGo for #ident {
            fn from_go<'h>(
                view: ::golite::View<'h>,
                plan: &(),
                context: &mut ::golite::NativeContext<'h>,
            ) -> ::std::result::Result<Self, ::golite::Unconvertible> {
                let number = <i64 as ::golite::FromGo>::from_go(view, plan, context)?;
                #(if number == #ident::#variants as i64 {
                    return Ok(#ident::#variants);
                })*
                Err(::golite::Unconvertible(::std::format!("{number} is no {}", #own_name)))
            }
        }

        impl ::golite::IntoGo for #ident {
            fn into_go<'h>(
                self,
                target: ::golite::Target<'h>,
                plan: &(),
                context: &mut ::golite::NativeContext<'h>,
            ) -> ::std::result::Result<(), ::golite::__private::GoPanic> {
                <i64 as ::golite::IntoGo>::into_go(self as i64, target, plan, context)
            }
        }
    })
}

/// Takes `#[blocking]` off; whether it stood there.
fn take_blocking(attributes: &mut Vec<Attribute>) -> bool {
    let before = attributes.len();
    attributes.retain(|attribute| !attribute.path().is_ident("blocking"));
    attributes.len() != before
}

/// The builder's method for a function, the closure that calls `path`, and the names of the parameters in Go.
fn call_of(
    signature: &Signature,
    path: &Tokens,
    blocking: bool,
) -> syn::Result<(Ident, Tokens, Vec<String>)> {
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a generic function cannot be exported",
        ));
    }
    let method = match (signature.asyncness.is_some(), blocking) {
        (true, _) => "__async_func",
        (false, true) => "__blocking_func",
        (false, false) => "__func",
    };
    let mut parameters = Vec::new();
    let mut arguments = Vec::new();
    let mut names = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        match input {
            FnArg::Receiver(receiver) => {
                return Err(Error::new_spanned(
                    receiver,
                    "methods are exported by their impl",
                ));
            }
            FnArg::Typed(typed) => {
                let name = match &*typed.pat {
                    Pat::Ident(ident) => ident.ident.clone(),
                    _ => format_ident!("argument_{index}"),
                };
                let ty = &typed.ty;
                parameters.push(quote!(#name: #ty));
                arguments.push(name);
                names.push(parameter_name(&typed.pat));
            }
        }
    }
    Ok((
        Ident::new(method, Span::call_site()),
        quote!(|#(#parameters),*| #path(#(#arguments),*)),
        names,
    ))
}

fn export_function(mut function: ItemFn, package: Option<String>) -> syn::Result<Tokens> {
    let Some(package) = package else {
        return Err(Error::new_spanned(
            &function.sig.ident,
            "say which package it is in: #[golite::export(package = \"...\")]",
        ));
    };
    let blocking = take_blocking(&mut function.attrs);
    let ident = &function.sig.ident;
    let (method, closure, names) = call_of(&function.sig, &ident.to_token_stream(), blocking)?;
    let name = exported(&ident.to_string());
    let text = described(&function.attrs, &names);
    let visibility = &function.vis;
    Ok(quote! {
        #function

        /// Offers the function of this name to scripts.
        #[allow(non_camel_case_types)]
        #visibility struct #ident {}

        impl ::golite::Export for #ident {
            fn export(builder: ::golite::Builder) -> ::golite::Builder {
                builder.#method(#package, #name, #text, #closure)
            }
        }
    })
}

/// Whether constants of the type are constants in Go.
fn is_constant_type(ty: &Type) -> bool {
    const NAMES: &[&str] = &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize",
    ];
    match ty {
        Type::Path(path) => NAMES.iter().any(|name| path.path.is_ident(name)),
        Type::Reference(reference) => {
            matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str"))
        }
        _ => false,
    }
}

/// Whether a type is exported, or derives `GoType`.
fn stands_for_go_type(attributes: &[Attribute]) -> bool {
    let is_last = |path: &syn::Path, name: &str| {
        let last = path.segments.last();
        last.is_some_and(|segment| segment.ident == name)
    };
    attributes.iter().any(|attribute| {
        let mut found = is_last(attribute.path(), "export");
        if attribute.path().is_ident("derive") {
            // What cannot be read is the compiler's matter.
            let _ = attribute.parse_nested_meta(|meta| {
                found |= is_last(&meta.path, "GoType");
                Ok(())
            });
        }
        found
    })
}

fn export_module(mut module: ItemMod, package: Option<String>) -> syn::Result<Tokens> {
    let package = package.unwrap_or_else(|| module.ident.to_string());
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new_spanned(
            &module.ident,
            "the module must have a body",
        ));
    };
    let mut calls = Vec::new();
    let text = documentation(&module.attrs);
    if !text.is_empty() {
        calls.push(quote!(.__document(#package, #text)));
    }
    for item in items.iter_mut() {
        match item {
            Item::Fn(function) if matches!(function.vis, Visibility::Public(_)) => {
                let blocking = take_blocking(&mut function.attrs);
                let path = function.sig.ident.to_token_stream();
                let (method, closure, names) = call_of(&function.sig, &path, blocking)?;
                let name = exported(&function.sig.ident.to_string());
                let text = described(&function.attrs, &names);
                calls.push(quote!(.#method(#package, #name, #text, #closure)));
            }
            Item::Const(constant)
                if matches!(constant.vis, Visibility::Public(_))
                    && is_constant_type(&constant.ty) =>
            {
                // Perhaps only scripts use it.
                constant.attrs.push(parse_quote!(#[allow(dead_code)]));
                let ident = &constant.ident;
                let name = exported(&ident.to_string());
                let text = documentation(&constant.attrs);
                calls.push(quote!(.__constant(#package, #name, #text, &#ident)));
            }
            Item::Struct(syn::ItemStruct {
                vis: Visibility::Public(_),
                ident,
                attrs,
                ..
            })
            | Item::Enum(syn::ItemEnum {
                vis: Visibility::Public(_),
                ident,
                attrs,
                ..
            }) if stands_for_go_type(attrs) => {
                calls.push(quote!(.__declare::<#ident>(#package)));
            }
            _ => {}
        }
    }
    items.push(parse_quote! {
        /// Offers what this module has to scripts.
        pub struct Exports {}
    });
    items.push(parse_quote! {
        impl ::golite::Export for Exports {
            fn export(builder: ::golite::Builder) -> ::golite::Builder {
                builder #(#calls)*
            }
        }
    });
    Ok(module.into_token_stream())
}

fn export_impl(mut block: ItemImpl, package: Option<String>) -> syn::Result<Tokens> {
    let Some(package) = package else {
        return Err(Error::new_spanned(
            &block.self_ty,
            "say which package it is in: #[golite::export(package = \"...\")]",
        ));
    };
    let ty = (*block.self_ty).clone();
    let Type::Path(_) = &ty else {
        return Err(Error::new_spanned(
            &ty,
            "methods are exported of a type that has a name of its own",
        ));
    };
    let mut calls = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some(FnArg::Receiver(receiver)) = method.sig.inputs.first() else {
            continue;
        };
        if !matches!(method.vis, Visibility::Public(_)) {
            continue;
        }
        if receiver.reference.is_none() || method.sig.asyncness.is_some() {
            return Err(Error::new_spanned(
                &method.sig,
                "an exported method takes &self or &mut self and is not async",
            ));
        }
        let is_mutable = receiver.mutability.is_some();
        let mut parameters = Vec::new();
        let mut arguments = Vec::new();
        let mut names = Vec::new();
        for (index, input) in method.sig.inputs.iter().skip(1).enumerate() {
            if let FnArg::Typed(typed) = input {
                let name = format_ident!("argument_{index}");
                let ty = &typed.ty;
                parameters.push(quote!(#name: #ty));
                arguments.push(name);
                names.push(parameter_name(&typed.pat));
            }
        }
        let ident = &method.sig.ident;
        let name = exported(&ident.to_string());
        let text = described(&method.attrs, &names);
        if !is_mutable {
            calls.push(quote! {
                .__method::<#ty, _, _>(#package, #name, #text, |this: #ty, #(#parameters),*| {
                    <#ty>::#ident(&this, #(#arguments),*)
                })
            });
            continue;
        }
        if !matches!(&method.sig.output, ReturnType::Default) {
            return Err(Error::new_spanned(
                &method.sig.output,
                "an exported method that takes &mut self returns nothing",
            ));
        }
        calls.push(quote! {
            .__mutating_method::<#ty, _, _>(#package, #name, #text, |this: #ty, #(#parameters),*| {
                let mut this = this;
                <#ty>::#ident(&mut this, #(#arguments),*);
                this
            })
        });
    }
    Ok(quote! {
        #block

        impl ::golite::Export for #ty {
            fn export(builder: ::golite::Builder) -> ::golite::Builder {
                builder #(#calls)*
            }
        }
    })
}
