"""What SendGrid says when it refuses, word for word where its error list has the words."""

TOO_MANY_PERSONALIZATIONS = (
    "The personalization block is limited to 1000 personalizations per API request. You have provided {count} "
    "personalizations. Please consider splitting this into multiple requests and resending your request."
)
NO_PERSONALIZATION = "The personalizations field is required and must have at least one personalization."
TOO_MANY_RECIPIENTS = "There is a limit of 1000 total recipients (to + cc + bcc) per request."
NO_TO = (
    "The to array is required for all personalization objects, and must have at least one email object with a valid "
    "email address."
)
TWICE = (
    "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first "
    "duplicate instance of [{address}] in the {field} field."
)
BAD_ADDRESS = "Does not contain a valid address."
NO_ADDRESS = "The email parameter is required."
NO_FROM = (
    "The from object must be provided for every email send. It is an object that requires the email parameter, but "
    'may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : '
    '"example@example.com", "name" : "Example Recipient"}.'
)
FROM_DOMAIN = "The from domain must match the domain of the message's from address."
REPLY_TWICE = "You may use either the reply_to or the reply_to_list parameter, but not both."
REPLY_LIST = "The reply_to_list must be an array of at most 1000 email objects."
NO_SUBJECT = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if "
    "every personalization has a subject defined."
)
EMPTY_SUBJECT = "The subject of your email must be a string at least one character in length."
NO_CONTENT = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined "
    "content block. We typically suggest both text/plain and text/html blocks are included, but only one block is "
    "required."
)
CONTENT_TWICE = "If present, text/plain and text/html may only be provided once."
CONTENT_ORDER = (
    "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain "
    "needs to be first, followed by text/html, followed by any other content."
)
CONTENT_TYPE = "Your content type must be a string with length of at least one character."
CONTENT_TYPE_SIGNS = "Cannot contain ';', or CRLF characters."
EMPTY_CONTENT = "The content value must be a string at least one character in length."
TEMPLATE_DATA = "The dynamic_template_data must be an object."
CATEGORIES = "Categories must be an array of strings."
TOO_MANY_CATEGORIES = "There is a limit of 10 categories for each email that is sent. You provided {count} categories."
CATEGORY_TWICE = "The categories must be a unique list."
LONG_CATEGORY = "Each category must not be longer than 255 characters."
FOREIGN_CATEGORY = "Categories can not contain non-ASCII characters."
HEADER_TWICE = "The headers cannot contain duplicate keys."
HEADER_NAME = "Header keys cannot contain non-ASCII characters and empty spaces."
HEADER_RESERVED = "Header can not be one of the reserved keys."
HEADER_VALUE = "The header values must be strings."
HEADER_LINES = "The header values cannot contain CRLF characters."
NAME_LINES = "The name cannot contain CRLF characters."
SUBSTITUTIONS = "The substitution values must be an object of key/value pairs, where the values are all strings."
TOO_MANY_SUBSTITUTIONS = "Substitutions are limited to 150 items per personalization block."
LONG_SUBSTITUTIONS = "The total size of your substitutions may not exceed 10,000 bytes per personalization object."
CUSTOM_ARGS = "All values of custom arguments object must be strings."
LONG_CUSTOM_ARGS = "The combined size of custom arguments may not exceed 10,000 bytes."
SEND_AT = "The send_at parameter is expecting a Unix timestamp as an integer."
SEND_AT_FAR = "Scheduling more than 72 hours in advance is forbidden."
EMPTY_FILE = "The attachment content must be a string at least one character in length."
FILE_CODING = "The attachment content must be base64 encoded."
FILE_NAME = "filename is required and cannot contain CRLF characters."
FILE_TYPE = "The type can't contain ';', or CRLF characters."
FILE_DISPOSITION = 'The disposition of your attachment can be either "inline" or "attachment".'
FILE_CONTENT_ID = "The content ID of your attachment must be a string without CRLF."
TEMPLATE = "The template_id must be a valid template id for your account. You provided '{given}'."
GROUP = "The ASM group ID must be a valid Group ID on your account."
POOL = "The IP Pool name must be a valid pool name for your account."
BATCH = "The batch_id must be a valid batch ID of your account."
SECTIONS = "The sandbox does not play sections."
