"""The adaptor for HTTP applications; ``rest`` documents run here too, converted by ``fairlead.domain.dialect``."""
