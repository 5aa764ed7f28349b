//! Where we know better than a description, and why. Everything else that differs is a mistake of ours.

/// The beginning of an operation's name, a part of the problem's text, and why it is none.
type Exception = (&'static str, &'static str, &'static str);

const EXCEPTIONS: &[Exception] = &[
    // Jira.
    ("GET /rest/api/2/component/page", "404", "versions before the one described have no such call"),
    ("GET /rest/api/2/myself", "403", "a CAPTCHA refuses every call so"),
    ("GET /not/the/context/path", "no such operation", "a test gives a wrong address on purpose"),
    (
        "GET /rest/api/2/mypermissions",
        "('havePermission' was unexpected)",
        "the bean described is the permission's alone; its use needs the answer to the question",
    ),
    (
        "GET /rest/api/2/user",
        "no parameter expand",
        "`expand` is a parameter of every call that shows something expandable, and listed with few",
    ),
    (
        "GET /rest/api/2/",
        "('items' was unexpected)",
        "a list wrapper's items are left out of the description",
    ),
    (
        "GET /rest/api/2/group/member",
        "'values'",
        "the bean described is that of a user; the call's own startAt and maxResults are of a page of them",
    ),
    ("GET /rest/api/2/project", "'lead'", "what `expand` asks for is left out of the description"),
    ("PUT /rest/api/2/project", "'lead'", "what `expand` asks for is left out of the description"),
    ("POST /rest/api/2/group", "'expand'", "the wrapper's own fields are left out of the description"),
    ("POST /rest/api/2/group", "'max-results'", "the wrapper's own fields are left out of the description"),
    (
        "POST /rest/api/2/user",
        "'avatarUrls'",
        "the bean described is the request's; the answer is the user's",
    ),
    ("PUT /rest/api/2/user", "'avatarUrls'", "the bean described is the request's; the answer is the user's"),
    // Confluence.
    (
        "GET /rest/api/group/{groupName}",
        "404",
        "unverified: a group that is not there is 404, as a user is who is not there",
    ),
    (
        "GET /rest/api/user/memberof",
        "404",
        "unverified: of a user who is not there, as with the user's own call",
    ),
    ("PUT /rest/api/user/{username}/group/", "404", "the description lists no refusal of this call at all"),
    (
        "DELETE /rest/api/user/{username}/group/",
        "404",
        "the description lists no refusal of this call at all",
    ),
    (
        "GET /rest/api/",
        "('_links' was unexpected)",
        "unverified: pages have their links apart, as the vendor's pages show",
    ),
    // Bitbucket.
    ("GET /rest/api/latest/admin/", "/nextPageStart': null", "on the last page there is no next start"),
    (
        "POST /rest/api/latest/admin/users/rename",
        "409",
        "unverified: a name that is taken, as with the creation of an account",
    ),
    // Bitbucket Cloud.
    ("GET /1.0/groups/", "no such operation", "API 1.0 has a page of documentation and no description"),
    ("POST /1.0/groups/", "no such operation", "API 1.0 has a page of documentation and no description"),
    ("PUT /1.0/groups/", "no such operation", "API 1.0 has a page of documentation and no description"),
    ("DELETE /1.0/groups/", "no such operation", "API 1.0 has a page of documentation and no description"),
];

/// Whether the problem is one that we know and stand by.
pub(crate) fn is_known(operation: &str, problem: &str) -> bool {
    EXCEPTIONS.iter().any(|(known, part, _why)| operation.starts_with(known) && problem.contains(part))
}
