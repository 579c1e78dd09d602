"""Tools outside the six: calls to those that a prompt offers, refusals for those that it does not."""

from chat import CAPITALS, NAMES
from grammar import fill

# (name, description, {argument: (type, help)})
OTHERS = (
    ("get_weather", "Get the weather of a city", {"city": ("str", "The name of the city")}),
    ("send_email", "Send an email", {"to": ("str", "Address"), "subject": ("str", "Subject"), "body": ("str", "Text")}),
    ("web_search", "Search the web", {"query": ("str", "Words to look for")}),
    ("get_time", "Get the time", {"zone": ("str", "Time zone")}),
    ("translate", "Translate text", {"text": ("str", "Text"), "language": ("str", "Target language")}),
    ("play_music", "Play a song", {"song": ("str", "Song")}),
    ("WebFetch", "Fetches a page and answers a question about it", {"url": ("str", "Address"), "prompt": ("str", "Question")}),
    ("TodoWrite", "Keep the list of tasks", {"todos": ("array", "The updated list")}),
    ("Task", "Start another agent", {"prompt": ("str", "The task"), "description": ("str", "Short description")}),
    ("create_issue", "Open an issue", {"title": ("str", "Title"), "body": ("str", "Text")}),
    ("take_screenshot", "Take a picture of the screen", {}),
    ("query_database", "Run a query on the database", {"sql": ("str", "The query")}),
    ("remember", "Keep a fact for later", {"fact": ("str", "What to keep")}),
    ("ask_user", "Ask the user a question", {"question": ("str", "Question")}),
    ("calculator", "Compute an expression", {"expression": ("str", "What to compute")}),
    ("send_message", "Send a message to a person", {"recipient": ("str", "Who gets it"), "message": ("str", "The text")}),
    ("convert_currency", "Convert an amount of money", {"amount": ("float", "Amount"), "source": ("str", "From"),
                                                        "target": ("str", "To")}),
    ("NotebookEdit", "Changes a cell of a notebook", {"notebook_path": ("str", "The notebook"), "new_source": ("str", "Cell")}),
    ("browser_click", "Click on a page", {"selector": ("str", "Element")}),
    ("schedule_meeting", "Put a meeting into the calendar", {"title": ("str", "Title"), "time": ("str", "When")}),
    ("get_stock_price", "Get the price of a share", {"symbol": ("str", "Ticker symbol")}),
    ("create_pull_request", "Open a pull request", {"title": ("str", "Title"), "branch": ("str", "Branch")}),
    ("ExitPlanMode", "Ends planning", {"plan": ("str", "The plan")}),
    ("set_timer", "Start a timer", {"minutes": ("int", "How long")}),
    ("list_users", "List the users of the service", {"page": ("int", "Page")}),
    ("generate_image", "Make a picture from words", {"prompt": ("str", "What to draw"), "size": ("str", "Size")}),
    ("lookup_contact", "Find a person in the address book", {"name": ("str", "Name")}),
    ("think", "Write down a thought", {"thought": ("str", "The thought")}),
)
REQUESTS = {"get_weather": """what is the weather [like |]in {x}[ today| now|]?
how is the weather in {x}?
weather in {x}[ please|?|]
[tell|give] me the weather [of|in|for] {x}
will it rain in {x}[ tomorrow| today|]?
what's the [temperature|forecast|weather] in {x}?
is it [cold|warm|sunny|raining] in {x}?
[check|get|look up] the weather [in|for] {x}
do I need [a jacket|an umbrella] in {x}?
[the |]forecast for {x}""",
            "get_time": """what time is it in {x}?
[tell me|give me|get] the time in {x}
what is the local time in {x}?
[the |]time in {x}[ please|?|]
how late is it in {x}?""",
            "web_search": """search the [web|internet|net] for {x}
google {x}
look up {x} [on the internet|online|on the web]
[find|search] {x} [on the web|online]
do a web search for {x}
what does the internet say about {x}?
search online for {x}""",
            "play_music": """play {x}
[play|start] the song {x}
put on the song {x}
I want to hear {x}
can you play {x}?
let me listen to {x}"""}
ARGUMENT = {"get_weather": "city", "get_time": "zone", "web_search": "query", "play_music": "song"}
NEVER = """[send|write] an email to {n}[ about {w}| that says {w}|]
[send|write] [a message|a text] to {n}
[call|phone|ring] {n}
set an alarm for {k} o'clock
remind me to {w} [tomorrow|at {k}|tonight]
book a [flight|hotel|table|train] [to|in] {c}
order [a pizza|some food|a taxi|{w}][ for {n}| for me|]
[draw|paint|make|generate] [a picture|an image|a photo] of [a |]{w}
turn [on|off] the [light|radio|heating|{w}]
[buy|sell] [me |]{k} [shares|tickets|{w}]
[pay|transfer] {k} dollars to {n}
[post|share|tweet] {w} on [the internet|social media]
[add|put] {w} [to|into] my calendar
what is the [stock price|price] of {w}?
[show|give] me the [latest |]news[ about {w}| from {c}|]
open the [browser|door|window|app {w}]
[record|film|make] a video of {w}
schedule a meeting with {n}[ at {k}| about {w}|]
translate {w} to [French|German|Spanish]
what is {n} doing [now|today]?
drive me to {c}
[navigate|give me directions] to {c}
[scan|print] the [page|document|{w}] on my printer
is [the store|the bank|the station] open [now|today]?
find me a [restaurant|doctor|job|hotel] in {c}
take a [photo|screenshot|selfie]
[listen to|hear] what I say
who won the [game|match|election|race] [yesterday|last night|today]?""".split("\n")
REFUSAL = "I cannot do that: I have no tool for it."


def other_request(source, offered=()):
    """(request, tool or None, arguments): a wish that only a tool in `offered` can fulfil, or none."""
    callable_ = [name for name in offered if name in REQUESTS]
    if callable_ and source.chance(.7) or not callable_ and source.chance(.5):
        tool = source.pick(callable_ or list(REQUESTS))
        value = (CAPITALS[source.pick(list(CAPITALS))] if tool in ("get_weather", "get_time") else
                 source.sentence(1, 4).rstrip(".!?"))
        text = source.expand(source.template(REQUESTS[tool].split("\n"))).replace("{x}", value)
        return _finished(source, text), tool if callable_ else None, {ARGUMENT[tool]: value}
    slots = {"n": source.pick(NAMES), "w": source.word(), "k": str(source.random.randint(1, 12)),
             "c": CAPITALS[source.pick(list(CAPITALS))]}
    return _finished(source, fill(source.expand(source.template(NEVER)), slots)), None, {}


def _finished(source, text):
    if text[-1] != "?" and source.chance(.35):
        text = source.pick(("please ", "can you ", "could you ", "hey, ", "now ")) + text
    return text[0].upper() + text[1:] if source.chance(.5) else text
