"""An application with many ways of signing in; it checks each from the text of its standard and shares no code with fairlead."""
