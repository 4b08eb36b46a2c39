# SPDX-License-Identifier: Apache-2.0
"""Chapter 1: HTTP and JSON in general."""
import alto
from questions import good_request
from suite import Failed, data_of, expect, item


def every_answer(suite):
    """(what, answer) of one good request to everything that is offered."""
    for entry in suite.full_resources:
        yield "GET " + entry.uri, suite.fetch(entry)
    for entry in suite.offered_services:
        yield "POST " + entry.uri, suite.post(entry, good_request(suite, entry))


@item("G-01", "MUST", "7285 8.3", "speaks HTTP/1.1")
def http_version(suite):
    for what, answer in every_answer(suite):
        expect(answer.version == 11, what, "is answered in HTTP/%.1f" % (answer.version / 10))


@item("G-05", "MUST", "7285 8.3.3", "every response has a Content-Type")
def content_type(suite):
    for what, answer in every_answer(suite):
        expect(answer.media_type, what, "is answered without Content-Type")


@item("G-09", "MUST", "7285 8.3.7", "unknown fields of a request are ignored")
def unknown_fields(suite):
    for entry in suite.services:
        request = good_request(suite, entry)
        wanted = suite.ask_data(entry, request)
        got = suite.ask_data(entry, {**request, "no-such-field": {"a": [1, None]}})
        expect(got == wanted, entry.id, "answers something else when an unknown field is in the request")


@item("G-11", "TEXT", "7285 8.2", "names of fields are case sensitive")
def case_sensitive(suite):
    for entry in suite.services:
        request = {name.title(): value for name, value in good_request(suite, entry).items()}
        answer = suite.post(entry, request)
        expect(400 <= answer.status < 500, entry.id, "answers %d to" % answer.status, request)


@item("G-12", "TEXT", "7285 8.4", "every response is one object with meta and the data field of its type")
def meta_and_data(suite):
    for entry in suite.full_resources:
        check_members(suite.document(entry), entry)
    for entry in suite.offered_services:
        check_members(suite.ask(entry, good_request(suite, entry)), entry)


def check_members(document, entry):
    data_of(document, entry)
    expect(isinstance(document.get("meta"), dict), "%s: no object meta" % entry.id)
    others = set(alto.DATA_FIELD.values()) - {alto.DATA_FIELD[entry.media_type]}
    expect(not others & document.keys(), "%s: more than one data field:" % entry.id, sorted(document))


@item("G-13", "SHOULD", "8259 4", "no object has a name twice")
def unique_names(suite):
    for what, answer in every_answer(suite):
        try:
            found = alto.duplicates(answer.body)
        except ValueError:
            continue  # that is G-15
        expect(not found, what, "has twice", found[:3])


@item("G-15", "MUST", "8259 8.1", "JSON in UTF-8, without byte order mark")
def utf8(suite):
    for what, answer in every_answer(suite):
        try:
            alto.parse(answer.body)
        except ValueError as error:
            raise Failed("%s: %s" % (what, error))


@item("G-16", "TEXT", "7285 14.1", "media types are sent without parameters and taken with them")
def no_parameters(suite):
    for what, answer in every_answer(suite):
        expect(";" not in answer.header("Content-Type"), what, "is of type", answer.header("Content-Type"))
    for entry in suite.offered_services:
        suite.ask(entry, good_request(suite, entry), content_type=entry.accepts + "; charset=utf-8")


@item("G-17", "GAP", "9110 15.5.5, 15.5.6, 9.3.2", "404 for what is not there, 405 with Allow for a wrong method, HEAD as GET")
def methods(suite):
    nothing = suite.request("GET", suite.root.rstrip("/") + "-no-such-resource")
    expect(nothing.status == 404, "GET of an unknown URI answers %d" % nothing.status)
    shared = {entry.uri for entry in suite.entries if entry.accepts}
    for entry in suite.full_resources:
        if entry.uri not in shared:
            refused = suite.request("POST", entry.uri, b"{}", {"Content-Type": "application/json"})
            check_refused(refused, "POST " + entry.uri)
        check_head(suite, entry)
    by_get = {entry.uri for entry in suite.entries if not entry.accepts}
    for entry in suite.offered_services:
        if entry.uri not in by_get:
            check_refused(suite.fetch(entry), "GET " + entry.uri)


def check_refused(answer, what):
    expect(answer.status == 405, what, "answers %d" % answer.status)
    expect(answer.header("Allow"), what, "answers 405 without Allow")


def check_head(suite, entry):
    get = suite.fetch(entry)
    head = suite.request("HEAD", entry.uri, None, {"Accept": entry.media_type})
    expect(head.status == get.status and not head.body, "HEAD %s answers %d" % (entry.uri, head.status))
    for name in ("Content-Type", "ETag"):
        expect(head.header(name) == get.header(name), "HEAD %s: %s is" % (entry.uri, name), head.header(name), "and not",
               get.header(name))


@item("G-18", "TEXT", "7285 9.2.2", "OPTIONS is answered with Allow")
def options(suite):
    for entry in suite.entries:
        if entry.media_type in alto.DATA_FIELD:
            answer = suite.request("OPTIONS", entry.uri)
            expect(200 <= answer.status < 300, "OPTIONS %s answers %d" % (entry.uri, answer.status))
            method = "POST" if entry.accepts else "GET"
            expect(method in answer.header("Allow").upper(), "OPTIONS %s: Allow is" % entry.uri, answer.header("Allow"))


@item("G-19", "GAP", "9110 15.5.7, 12.4.1", "Accept that nothing matches: 406 or disregarded; no Accept: anything")
def accept_nothing(suite):
    for entry in suite.full_resources:
        answer = suite.request("GET", entry.uri, None, {"Accept": "text/html"})
        expect(answer.status in (200, 406), "GET %s with Accept: text/html answers %d" % (entry.uri, answer.status))
        answer = suite.request("GET", entry.uri)
        expect(answer.status == 200, "GET %s without Accept answers %d" % (entry.uri, answer.status))
    for entry in suite.offered_services:
        answer = suite.post(entry, good_request(suite, entry), accept="text/html")
        expect(answer.status in (200, 406), "POST %s with Accept: text/html answers %d" % (entry.uri, answer.status))


@item("G-20", "TEXT", "9110 12.5.1", "Accept is matched with its ranges and weights")
def accept_ranges(suite):
    for entry in suite.full_resources:
        for accept in ("*/*", "application/*", "text/html, application/*;q=0.1", "text/html;q=0.9, */*;q=0.5",
                       entry.media_type + ";q=0.3,application/alto-error+json", entry.media_type.upper()):
            answer = suite.request("GET", entry.uri, None, {"Accept": accept})
            expect(answer.status == 200, "GET %s with Accept: %s answers %d" % (entry.uri, accept, answer.status))


@item("G-21", "GAP", "9110 15.5.16", "a request of a wrong Content-Type is refused: 415, or 400 or 404")
def wrong_type(suite):
    for entry in suite.services:
        answer = suite.post(entry, good_request(suite, entry), content_type="text/plain")
        expect(answer.status in (400, 404, 415), entry.id, "answers %d to a request of type text/plain" % answer.status)
