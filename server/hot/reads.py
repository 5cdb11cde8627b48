class Reader:
    def __init__(self,*a): pass
