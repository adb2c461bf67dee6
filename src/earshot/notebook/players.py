"""Sounds to listen to in a notebook, side by side."""

import base64
import html
import io

__all__ = ["player", "players"]


def players(clips, sample_rate, titles):
    """Show a player for each clip, with its title above.

    Parameters
    ----------
    clips : list of ndarray, each of shape (samples,)
        Played at one common loudness: each is brought to its full range.
    sample_rate : int
        In Hz.
    titles : sequence of str

    Returns
    -------
    IPython.display.HTML
        The sounds are inside, so that a saved notebook still plays.
    """
    from IPython.display import HTML

    cells = [player(x, sample_rate, title) for x, title in zip(clips, titles, strict=True)]
    return HTML(f'<div style="display:flex;flex-wrap:wrap">{"".join(cells)}</div>')


def player(clip, sample_rate, title):
    """Give the HTML of one player; the parameters are those of :func:`players`."""
    import soundfile

    file = io.BytesIO()
    loudest = max(abs(clip).max(), 1e-9)
    soundfile.write(file, 0.9 / loudest * clip, sample_rate, format="WAV", subtype="PCM_16")
    sound = base64.b64encode(file.getvalue()).decode()
    return (
        '<figure style="margin:4px;text-align:center">'
        f"<figcaption>{html.escape(title)}</figcaption>"
        f'<audio controls style="width:150px;height:32px" '
        f'src="data:audio/wav;base64,{sound}"></audio></figure>'
    )
