"""Has the world changed since training? What a served model answered, kept and compared with its training.

`fenlei.monitor.store` keeps predictions and what turned out to be true, `fenlei.monitor.recorder` writes them without
holding up the answers, `fenlei.monitor.reference` is what training looked like, and `fenlei.monitor.summary` compares
the two.
"""
