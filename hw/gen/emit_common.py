# SPDX-License-Identifier: MIT
"""Small helpers every emitter uses: C++-safe names, comment wrapping, file heads."""
import re
import textwrap

KEYWORDS = {
    "and", "or", "xor", "if", "else", "not", "union", "struct", "class", "enum", "int", "float", "double",
    "bool", "char", "short", "long", "signed", "unsigned", "void", "const", "auto", "break", "case", "switch",
    "default", "do", "while", "for", "return", "goto", "static", "extern", "register", "volatile", "inline",
    "new", "delete", "this", "true", "false", "nullptr", "operator", "template", "typename", "namespace",
    "public", "private", "protected", "virtual", "friend", "using", "try", "catch", "throw", "export",
    "compl", "bitand", "bitor", "continue", "sizeof", "asm", "mutable", "explicit", "concept", "requires",
}


def ident(name):
    """A name that is legal in C++: keywords get a trailing underscore, leading digits a `k`."""
    if name in KEYWORDS:
        return name + "_"
    return "k" + name if name[0].isdigit() else name


def pascal(name):
    """snake_case to PascalCase; PascalCase stays as it is."""
    if "_" not in name and name[:1].isupper():
        return name
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def snake(name):
    """PascalCase to snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def doc_comment(text, indent=""):
    """`///` lines holding the text."""
    flat = " ".join(text.split()).replace("*/", "* /")
    lines = textwrap.wrap(flat, 96 - len(indent)) or [""]
    return "".join(f"{indent}/// {line}\n" for line in lines)


def c_string(text):
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


HEAD = """// SPDX-License-Identifier: MIT
// Generated from hw/*.toml by hw/gen; edit the description, not this file.
"""


def hpp_head(purpose, includes):
    body = textwrap.fill(purpose, 96, initial_indent="// ", subsequent_indent="// ")
    lines = "".join(f"#include {inc}\n" for inc in includes)
    return f"{HEAD}//\n{body}\n#pragma once\n\n{lines}\nnamespace kite::hw {{\n\n"


HPP_TAIL = "\n} // namespace kite::hw\n"


def emit_enum(enum, base="uint32_t"):
    """An enum class with a doc per enumerator where there is one."""
    out = doc_comment(enum.doc)
    out += f"enum class {enum.name} : {base} {{\n"
    for key, value in enum.values.items():
        doc = enum.value_docs.get(key, "")
        if doc:
            out += doc_comment(doc, "    ")
        out += f"    {ident(key)} = {value},\n"
    return out + "};\n"


def emit_enum_names(enum):
    """Declaration of the name lookup of an enum."""
    return (f"/// Name of a {enum.name} value as the description writes it; nullptr if there is none.\n"
            f"const char* name_of({enum.name} value);\n\n")


def emit_enum_names_impl(enum):
    out = f"const char* name_of({enum.name} value) {{\n    switch (value) {{\n"
    for key in enum.values:
        out += f'    case {enum.name}::{ident(key)}:\n        return "{key}";\n'
    return out + "    }\n    return nullptr;\n}\n\n"
