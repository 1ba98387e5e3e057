"""What borrowers write back, and what a person would say that it means. No code of Arrears."""

MEANINGS: dict[str, tuple[str, ...]] = {
    "stop": (
        *(
            "STOP",
            "stop",
            "STOP STOP STOP",
            "Stop.",
            "ＳＴＯＰ",
            "stop it",
            "remove me",
            "UNSUBSCRIBE",
        ),
        *(
            "TD",
            "td",
            "T",
            "回T",
            "TD退订",
            "退订",
            "回复TD",
            "退订！",
            "STOP\n\nSent from my iPhone",
        ),
        *("please stop texting me", "СТОП", "No más mensajes"),
    ),
    "cease": (
        *("Do not contact me again", "do not contact me again.", "别再联系我", "不要再联系我"),
        *("leave me alone", "Please leave me alone!", "STOP CONTACTING ME"),
    ),
    "wrong_number": (
        *("wrong number", "Wrong number!", "you have the wrong number", "打错了", "你打错了"),
        *("号码错了", "我不是本人"),
    ),
    "no_calls": ("stop calling me", "do not call me", "不要再打电话"),
    "start": ("START", "start", "Unstop"),
    "harmless": ("thanks", "OK", "ok thank you", "好的", "谢谢", "👍", "收到", "Thank you!!"),
    "unclear": (
        *("I was in hospital until last week", "who told you that", "my brother pays it", "嗯？"),
        *("stop by on Tuesday", "don't stop", "why", "我下周发工资", "停水了", "ask my lawyer"),
        *(
            "I called you already and nobody answered",
            "不好意思我再看看",
            "td bank closed my account",
        ),
        *("the last text was not for me but for my son who has moved out of here", "?"),
    ),
}
"""By meaning. What is unclear must be read by a person before another text goes out."""

READ_AS = ("harmless", "harmless", "harmless", "stop", "cease", "wrong_number")
"""What a person may find in a text that was unclear."""
