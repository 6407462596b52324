"""Takes from the vendors' published OpenAPI documents what they say of names and types: one JSON file for each API.

usage: extract.py <folder with the documents: attio.json, zoho-billing-*.yml, zoho-crm-*.json> <folder of the results>
"""
import glob, json, os, sys
import yaml

src, out = sys.argv[1], sys.argv[2]
KEEP = {"type", "properties", "items", "additionalProperties", "oneOf", "anyOf", "allOf", "enum", "format", "nullable",
        "minItems", "maxItems", "const"}
METHODS = ("get", "post", "put", "patch", "delete")

def load(path):
    with open(path) as f:
        return json.load(f) if path.endswith(".json") else yaml.safe_load(f)

DOCS = {os.path.basename(p): load(p) for p in glob.glob(src + "/*.json") + glob.glob(src + "/*.yml")}

def resolve(ref, doc):
    where, _, pointer = ref.partition("#")
    if where:
        name = "zoho-crm-" + os.path.basename(where)
        doc = DOCS.get(name)
        if doc is None:
            return None, None
    node = doc
    for part in pointer.strip("/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node, doc

def key(ref, doc):
    name = next(n for n, d in DOCS.items() if d is doc)
    return name.rsplit(".", 1)[0].replace("zoho-billing-", "b.").replace("zoho-crm-", "c.") + "." + ref.rsplit("/", 1)[-1]

def schema(node, doc, defs, required):
    if node is True or node is False: return node
    if "$ref" in node:
        target, of = resolve(node["$ref"], doc)
        if target is None: return {}
        name = key(node["$ref"], of)
        if name not in defs:
            defs[name] = None
            defs[name] = schema(target, of, defs, required)
        return {"$ref": "#/$defs/" + name}
    made = {}
    for k, v in node.items():
        if k == "required" and required and isinstance(v, list): made[k] = v
        if k not in KEEP: continue
        if k == "properties": made[k] = {n: schema(p, doc, defs, required) for n, p in v.items() if isinstance(p, dict)}
        elif k in ("items",) or (k == "additionalProperties" and isinstance(v, dict)): made[k] = schema(v, doc, defs, required)
        elif k in ("oneOf", "anyOf", "allOf"): made[k] = [schema(x, doc, defs, required) for x in v]
        elif k == "nullable": pass
        elif k == "format":
            if v in ("uuid", "date", "date-time"): made[k] = v
        else: made[k] = v
    if isinstance(made.get("type"), str) and made["type"] not in ("object","array","string","number","integer","boolean","null"): made.pop("type")
    if "properties" in made and "type" not in made: made["type"] = "object"
    if node.get("nullable") is True and "type" in made:
        t = made["type"]
        made["type"] = (t if isinstance(t, list) else [t]) + ["null"]
        if "enum" in made and None not in made["enum"]: made["enum"] = made["enum"] + [None]
    elif node.get("nullable") is True:
        made = {"anyOf": [made, {"type": "null"}]}
    return made

def document(names, prefix, required):
    defs, ops = {}, []
    for name in names:
        doc = DOCS[name]
        for path, item in doc["paths"].items():
            for method in METHODS:
                op = item.get(method)
                if not op: continue
                one = {"method": method.upper(), "path": prefix + path, "query": [], "answers": {}}
                for p in item.get("parameters", []) + op.get("parameters", []):
                    if "$ref" in p: p, _ = resolve(p["$ref"], doc)
                    if p and p.get("in") == "query": one["query"].append(p["name"])
                def body(x):
                    if "$ref" in x: x, of = resolve(x["$ref"], doc)
                    else: of = doc
                    content = (x or {}).get("content", {}).get("application/json")
                    return None if not content or "schema" not in content else schema(content["schema"], of, defs, required)
                if "requestBody" in op:
                    made = body(op["requestBody"])
                    if made is not None: one["request"] = made
                for status, answer in op.get("responses", {}).items():
                    made = body(answer)
                    if made is not None: one["answers"][status] = made
                ops.append(one)
    return {"operations": sorted(ops, key=lambda o: (o["path"], o["method"])), "$defs": dict(sorted(defs.items()))}

def write(target, made):
    """One operation and one definition a line: a change of the documents is seen in the difference."""
    line = lambda x: json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with open(f"{out}/{target}.json", "w") as f:
        f.write('{"operations":[\n' + ",\n".join(map(line, made["operations"])) + '\n],\n"$defs":{\n')
        f.write(",\n".join(f"{line(name)}:{line(one)}" for name, one in made["$defs"].items()) + "\n}}\n")


of = lambda beginning: sorted(name for name in DOCS if name.startswith(beginning))
write("attio", document(["attio.json"], "", True))
# Their lists of required fields name alternatives that exclude each other.
write("zoho_billing", document(of("zoho-billing-"), "/billing/v1", False))
write("zoho_crm", document(of("zoho-crm-"), "", False))
