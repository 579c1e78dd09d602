"""Tools outside the six: calls to those that a prompt offers, refusals for those that it does not."""

from chat import CAPITALS
from grammar import PEOPLE, fill

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
[the |]forecast for {x}
what will the weather be [like |]in {x} [tomorrow|tonight|this week]?
does it [rain|snow] in {x}[ now| today|]?
how [hot|cold|warm|windy] is it in {x}[ today| now|]?
is the weather [good|nice|bad] in {x}?
I am [going|flying|travelling] to {x}, how is the weather there?
tell me if it [rains|snows|is sunny] in {x}
will the sun shine in {x} [today|tomorrow]?
weather report for {x}[ please|]
what should I expect of the weather in {x}?
do they have [rain|snow|sun] in {x} [today|now]?""",
            "get_time": """what time is it in {x}?
[tell me|give me|get] the time in {x}
what is the local time in {x}?
[the |]time in {x}[ please|?|]
how late is it in {x}?
what's the time in {x}[ right now| now|]?
what time do they have in {x}[ now|]?
do you know the time in {x}?
can you tell me what time it is in {x}?
which hour is it in {x}?
current time in {x}[ please|]
local time of {x}[ please|]
is it [morning|night|late|early] in {x} now? what time is it there?
I have to call {x}, what time is it there?
look up the time in {x}""",
            "web_search": """search the [web|internet|net] for {x}
google {x}
look up {x} [on the internet|online|on the web]
[find|search] {x} [on the web|online]
do a web search for {x}
what does the internet say about {x}?
search online for {x}
[run|make] a [web|internet|Google] search for {x}
use the web search to find {x}
what do you find on the web for {x}?
[go online|go on the internet] and look for {x}
can you google {x}?
ask the internet about {x}
[check|see] what the web says about {x}
find [pages|websites|articles] about {x} on the internet
I want to search the web for {x}
web search: {x}""",
            "play_music": """play {x}
[play|start] the song {x}
put on the song {x}
I want to hear {x}
can you play {x}?
let me listen to {x}
I'd like to [hear|listen to] the song {x}
could you play the song {x}?
[some music please|music please]: {x}
start playing {x}
put the song {x} on
play me the song {x}
play [some |the ]music: {x}
turn on the song {x}
next song: {x}
I am in the mood for the song {x}"""}
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
who won the [game|match|election|race] [yesterday|last night|today]?
[text|ring up|video call] {n} [now|at {k}|tonight]
[forward|reply to] the [last |]email from {n}
read [me |]my [new |last |]emails
check my [inbox|mail|voicemail|calendar]
[reserve|get] a [table|seat|room] for {k} people in {c}
wake me [up |]at {k}
set a timer [for|to] {k} minutes
[start|stop] the [washing machine|dishwasher|coffee machine|vacuum cleaner]
[lock|unlock] the [front |]door
make the room [warmer|colder|brighter|darker]
close the [curtains|window|garage]
[water|feed] the [plants|cat|dog|fish]
[cook|bake|fry] [me |]some {w}
bring me [a coffee|a tea|a glass of water|my {w}]
[call|get] me a [taxi|cab|doctor] to {c}
send {k} dollars to {n}
[wire|lend] {n} some money
what is the traffic like on the way to {c}?
how do I get from here to {c} by [bus|train|car]?
when does the next [bus|train|flight|ferry] to {c} leave?
[cancel|move] my meeting with {n}
invite {n} to [my party|dinner|the meeting at {k}]
[like|follow|block] {n} on [the internet|social media]
[upload|share] the photo of {n}
[buy|order] [flowers|a present|a cake] for {n}
find a [flight|hotel|parking spot] in {c}
[show|play] [me |]a [video|film] about {w}
zoom in on the [map|picture] of {c}
what do I have on my calendar [today|tomorrow]?
where is my [phone|car|bag]?
take [notes|minutes] in the meeting with {n}
sing [me |]a song about {w}
dance with {n}
vote for {n}""".split("\n")
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
    slots = {"n": source.pick(PEOPLE), "w": source.word(), "k": str(source.random.randint(1, 12)),
             "c": CAPITALS[source.pick(list(CAPITALS))]}
    return _finished(source, fill(source.expand(source.template(NEVER)), slots)), None, {}


def _finished(source, text):
    if text[-1] != "?" and source.chance(.35):
        text = source.pick(("please ", "can you ", "could you ", "hey, ", "now ")) + text
    return text[0].upper() + text[1:] if source.chance(.5) else text
