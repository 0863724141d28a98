"""From the files of results/ to checked frames."""
