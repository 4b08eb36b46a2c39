# SPDX-License-Identifier: Apache-2.0
"""Chapter 2: what is answered to bad requests."""
import alto
from questions import bad_answers, error_meta, good_request
from suite import NotApplicable, beginning, expect, item, some

CODES = ("E_SYNTAX", "E_MISSING_FIELD", "E_INVALID_FIELD_TYPE", "E_INVALID_FIELD_VALUE")


def asked(bad):
    return "%s, asked" % bad.entry.id, bad.request if isinstance(bad.request, dict) else bad.request.decode()


@item("E-01", "MUST", "7285 8.5", "a bad request is refused by a fitting HTTP status")
def status(suite):
    for bad, answer, _ in bad_answers(suite):
        expect(400 <= answer.status < 500, *asked(bad), "answers %d" % answer.status)


@item("E-02", "SHOULD", "7285 8.5, 8.5.1", "the error is an application/alto-error+json")
def error_type(suite):
    for bad, answer, _ in bad_answers(suite):
        expect(answer.media_type == alto.ERROR, *asked(bad), "answers", answer.media_type)


@item("E-03", "MUST", "7285 8.5.2", "an error has meta.code, one of four, and no data")
def code(suite):
    errors = 0
    for bad, answer, meta in bad_answers(suite):
        if answer.media_type == alto.ERROR:
            errors += 1
            expect(meta.get("code") in CODES, *asked(bad), "answers", beginning(answer))
            expect(not set(alto.DATA_FIELD.values()) & answer.json().keys(), *asked(bad), "has data:", beginning(answer))
    some(errors, "no error is an %s" % alto.ERROR)


@item("E-04", "TEXT", "7285 8.5.2", "the code is the one of the mistake")
def right_code(suite):
    for bad, _, meta in with_errors(bad_answers(suite)):
        expect(meta.get("code") == bad.code, *asked(bad), "answers", meta.get("code"), "and not", bad.code)


def with_errors(answers, member=None):
    """Those that are errors of ALTO, and have that member."""
    found = False
    for bad, answer, meta in answers:
        if meta and (member is None or member in meta):
            found = True
            yield bad, answer, meta
    if not found:
        raise NotApplicable("no such error has meta.%s" % (member or "code"))


@item("E-05", "MAY", "7285 8.5.2", "syntax-error is text")
def syntax_error(suite):
    for bad, _, meta in with_errors(bad_answers(suite), "syntax-error"):
        expect(isinstance(meta["syntax-error"], str), *asked(bad), "has syntax-error", meta["syntax-error"])


@item("E-06", "MAY", "7285 8.5.2", "field is the path of the field")
def field(suite):
    for bad, _, meta in with_errors(bad_answers(suite), "field"):
        expect(meta["field"] == bad.field, *asked(bad), "names the field", meta["field"], "and not", bad.field)


@item("E-07", "MUST", "7285 8.5.2", "value is a string, and comes with field")
def value(suite):
    for bad, _, meta in with_errors(bad_answers(suite), "value"):
        expect(isinstance(meta["value"], str) and "field" in meta, *asked(bad), "answers", meta)


@item("E-08", "MUST", "7285 8.5.2", "an invalid subfield is named by its whole path, with its own value")
def subfield(suite):
    for bad, _, meta in with_errors(bad_answers(suite, "subfield"), "field"):
        if bad.code == "E_INVALID_FIELD_VALUE":
            got = meta["field"], meta.get("value", bad.value)
            expect(got == (bad.field, bad.value), *asked(bad), "names", got, "and not", (bad.field, bad.value))


@item("E-09", "TEXT", "7285 8.5.2", "an invalid element is named by its array and its value, also when its type is wrong")
def element(suite):
    for bad, _, meta in with_errors(bad_answers(suite, "element")):
        got = meta.get("code"), meta.get("field", bad.field), meta.get("value", bad.value)
        expect(got == (bad.code, bad.field, bad.value), *asked(bad), "answers", got, "and not", (bad.code, bad.field, bad.value))


@item("E-10", "MUST", "7285 8.5.2", "of several errors exactly one is reported")
def one_error(suite):
    for entry in suite.services:
        request = {name: 5 for name in good_request(suite, entry)}
        meta = error_meta(suite.post(entry, request))
        if meta:
            got = meta.get("code"), meta.get("field", "")
            expect(got[0] == "E_INVALID_FIELD_TYPE" and (got[1] == "" or got[1] in request), entry.id, "asked", request,
                   "answers", got)


@item("E-11", "GAP", "interop 5", "the status of these errors is 400")
def bad_request_status(suite):
    for bad, answer, _ in bad_answers(suite):
        expect(answer.status == 400, *asked(bad), "answers %d" % answer.status)


@item("E-12", "GAP", "7285 11.4.1.3", "an empty array where one element is the least is an invalid value")
def empty_array(suite):
    for entry in suite.property_services:
        for name in ("properties", "endpoints"):
            request = {**good_request(suite, entry), name: []}
            meta = error_meta(suite.post(entry, request))
            got = meta.get("code"), meta.get("field", name)
            expect(got == ("E_INVALID_FIELD_VALUE", name), entry.id, "asked", request, "answers", got)


@item("E-13", "GAP", "7285 11.3.2.3", "constraints are refused where they are not offered")
def unwanted_constraints(suite):
    deaf = [entry for entry in suite.offered_services if entry.cost_types and not entry.constraints
            and not entry.capabilities.get("testable-cost-type-names")]
    for entry in some(deaf, "every service with cost types offers constraints"):
        request = {**good_request(suite, entry), "constraints": ["ge 0"]}
        meta = error_meta(suite.post(entry, request))
        got = meta.get("code"), meta.get("field", "constraints")
        expect(got == ("E_INVALID_FIELD_VALUE", "constraints"), entry.id, "asked", request, "answers", got)
